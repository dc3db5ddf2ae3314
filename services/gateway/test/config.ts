import { readConfig, type Environment } from '@carillon/runtime/config';
import { configSchema, type GatewayConfig } from '../src/config.ts';

export const jwtSecret = 'a secret of the tests, of no worth anywhere';

/** The defaults, with what a test says otherwise. */
export const gatewayConfig = (more: Environment = {}): GatewayConfig =>
  readConfig(configSchema, { CARILLON_JWT_SECRET: jwtSecret, ...more });
