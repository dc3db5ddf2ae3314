import type { Config, ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_VITALS_KEEP_DAYS: {
    type: 'number',
    description:
      'How many days each single vital sign is kept; with one a second of five vital signs a patient fills about 150 MB a day',
    default: 35,
    min: 2,
    max: 3_650,
  },
  CARILLON_VITALS_MINUTES_KEEP_DAYS: {
    type: 'number',
    description:
      'How many days it is kept what each vital sign came to in a minute (lowest, highest, mean), which long times are drawn from; never less than single ones; five of them fill about 1.3 MB a patient and day',
    default: 400,
    min: 32,
    max: 3_650,
  },
  CARILLON_ALARMS_KEEP_DAYS: {
    type: 'number',
    description: 'How many days the beginnings and ends of alarm conditions are kept, which the alarm load is made of',
    default: 400,
    min: 32,
    max: 3_650,
  },
} as const satisfies ConfigSchema;

/** A replay leaves out what minutes show to be calm: they must not be gone before the readings are. */
export const minutesKeepDays = (config: Config<typeof configSchema>): number =>
  Math.max(config.CARILLON_VITALS_MINUTES_KEEP_DAYS, config.CARILLON_VITALS_KEEP_DAYS);
