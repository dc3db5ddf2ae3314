import type { ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_DIRECTORY_SEED: {
    type: 'string',
    description: 'A hospital file that is imported at each start; what is equal is not touched. None where empty',
    default: '',
  },
  CARILLON_CANARY_SECONDS: {
    type: 'number',
    description:
      'How often gateways send an alarm through the whole house to see that it arrives; never where 0, and 5 at least in production',
    default: 10,
    min: 0,
    max: 300,
  },
  CARILLON_MFA_FRESH_SECONDS: {
    type: 'number',
    description: 'How long after a second factor the glass may be broken',
    default: 300,
    min: 30,
    max: 3_600,
  },
  CARILLON_BREAK_GLASS_MINUTES: {
    type: 'number',
    description: 'How long break-glass access lasts, unless it is ended before',
    default: 60,
    min: 1,
    max: 1_440,
  },
} as const satisfies ConfigSchema;
