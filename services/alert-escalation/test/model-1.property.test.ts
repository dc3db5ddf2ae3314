import { test } from '@jest/globals';
import { checkHistories } from './model.ts';

test(
  'two engines, random crashes, redelivery and receipts keep I1, I2, I3, I5, I7, I11, I12, I13, I17 and I18: deadlines are met, never early, each call is made once, an answer stops the ladder and nothing else does, who takes over a post is called, who saw an older alert escalates nothing, an episode has one open alert and never loses its deadline (half 1 of the runs)',
  async () => {
    await checkHistories({ seed: 20261121, runs: 500 });
  },
  2 ** 31 - 1,
);
