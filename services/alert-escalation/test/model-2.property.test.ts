import { test } from '@jest/globals';
import { checkHistories } from './model.ts';

test(
  'two engines with process clocks 5 s apart, which die or stand still at any statement, redelivery and receipts keep I1, I2, I3, I5, I6, I7, I9, I11, I12, I13, I15, I16, I17 and I18: deadlines are met, never early, by the policy that it began with, each call is made once, an answer of who may give it stops the ladder, and nothing else does but what holds it back for a time, who takes over a post is called, also in the ward that the patient comes to, who saw an older alert escalates nothing, an episode has one open alert and never loses its deadline (half 2 of the runs)',
  () => checkHistories(1),
  2 ** 31 - 1,
);
