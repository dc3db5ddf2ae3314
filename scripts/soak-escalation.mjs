// `npm run soak:escalation -- [--minutes 60] [--seed N]`: plays random histories of alerts against two engines, with
// crashes and redelivery, for as long as is asked, and judges each. The suite plays 1,000 of fixed seeds; this goes beyond,
// in two processes side by side that play different ones.

import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { checkNode, ensurePackages, run, tool } from './workspace.mjs';

checkNode();
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error('Usage: npm run soak:escalation -- [--minutes 60] [--seed N]');
  process.exit(2);
}

console.log(`Histories of seed ${seed} for ${minutes} min; --seed ${seed} plays the same again.`);
const env = { ...process.env, FC_MINUTES: String(minutes), FC_SEED: String(seed) };
const files = [1, 2].map((half) => `services/alert-escalation/test/model-${half}.property.test.ts`);
const isGood = ensurePackages() && run(tool('jest'), files, { env });
process.exitCode = isGood ? 0 : 1;
