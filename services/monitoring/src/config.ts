import type { ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_VITALS_KEEP_DAYS: {
    type: 'number',
    description:
      'How many days each single vital sign is kept; with one a second of five vital signs a patient fills about 150 MB a day',
    default: 35,
    min: 2,
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
