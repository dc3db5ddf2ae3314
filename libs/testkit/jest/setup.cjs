const { mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/** What the workers of a run keep between test files lies in one folder, since a worker may be ended at any time. */
module.exports = () => {
  process.env.CARILLON_TEST_RUN = mkdtempSync(join(tmpdir(), 'carillon-run-'));
};
