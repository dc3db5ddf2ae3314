// A fresh clone knows no durations, and jest then begins with the largest files. These wait for long, and one of them
// that began last would leave the other workers idle.

const { default: Sequencer } = require('@jest/test-sequencer');

const longest = [
  'deploy/local/test/survival',
  'deploy/local/test/browser',
  'services/gateway/test/conformance',
  'deploy/local/test/stories/oximeter',
  'deploy/local/test/technical',
  'services/gateway/test/scenarios/mixed',
  'services/gateway/test/clocks',
  'services/alert-escalation/test/stories/stopped',
  'services/gateway/test/scenarios/rights',
  'deploy/local/test/canary',
  'services/gateway/test/scenarios/slow',
  'deploy/local/test/backbone',
  'services/monitoring/test/absence-takeover',
  'services/gateway/test/presence',
  'libs/runtime/test/consumers',
  'services/alert-escalation/test/crash-everywhere',
].map((path) => `/${path}.test.ts`);

const rank = ({ path }) => {
  const index = longest.findIndex((end) => path.endsWith(end));
  return index === -1 ? longest.length : index;
};

class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).toSorted((one, other) => rank(one) - rank(other));
  }
}

module.exports = LongestFirst;
