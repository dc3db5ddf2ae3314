import type { ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_SHIFTS: {
    type: 'list',
    description: 'Names of the shifts and when each begins, by which figures are grouped, separated by commas',
    default: ['day=07:00', 'late=15:00', 'night=23:00'],
  },
  CARILLON_TIME_ZONE: { type: 'string', description: 'IANA time zone of these hours', default: 'UTC' },
} as const satisfies ConfigSchema;
