import type { ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_SHIFTS: {
    type: 'list',
    description: 'Names of the shifts and when each begins, by which figures are grouped, separated by commas',
    default: ['day=07:00', 'late=15:00', 'night=23:00'],
  },
  CARILLON_TIME_ZONE: { type: 'string', description: 'IANA time zone of these hours', default: 'UTC' },
  CARILLON_PAGES_KEEP_DAYS: {
    type: 'number',
    description:
      'How many days each repeated call of a person is kept; of older ones the first and the last of each level. The timeline of an alert stays',
    default: 62,
    min: 32,
    max: 3_650,
  },
  CARILLON_PLANS_KEEP_DAYS: {
    type: 'number',
    description: 'How many days silences and overrides of on-call schedules are kept after their end',
    default: 400,
    min: 32,
    max: 3_650,
  },
} as const satisfies ConfigSchema;
