import type { ConfigSchema } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_DIRECTORY_SEED: {
    type: 'string',
    description: 'A hospital file that is imported at each start; what is equal is not touched. None where empty',
    default: '',
  },
} as const satisfies ConfigSchema;
