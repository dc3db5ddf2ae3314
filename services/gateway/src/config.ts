import { ConfigError, type Config, type ConfigSchema, type Environment } from '@carillon/runtime/config';

export const configSchema = {
  CARILLON_HTTP_PORT: { type: 'number', description: 'Port of HTTP and WebSocket', default: 8080, min: 0, max: 65535 },
  CARILLON_HTTP_HOST: { type: 'string', description: 'Address to listen on', default: '127.0.0.1' },
  CARILLON_JWT_SECRET: {
    type: 'string',
    description: 'Shared secret of HS256 tokens, at least 32 characters; not needed with CARILLON_JWT_JWKS_URL',
    default: '',
    minLength: 32,
    secret: true,
  },
  CARILLON_JWT_JWKS_URL: {
    type: 'string',
    description: 'Where the public keys of RS256, ES256 and EdDSA tokens are (a JWK set); none are taken where empty',
    default: '',
  },
  CARILLON_JWT_JWKS_MAX_AGE_HOURS: {
    type: 'number',
    description: 'How long public keys are good that cannot be fetched again',
    default: 24,
    min: 1,
    max: 720,
  },
  CARILLON_JWT_ISSUER: { type: 'string', description: 'The `iss` that a token must have', default: 'carillon' },
  CARILLON_JWT_AUDIENCE: { type: 'string', description: 'The `aud` that a token must have', default: 'carillon' },
  CARILLON_DEV_TOKENS: {
    type: 'switch',
    description: 'POST /v1/dev/token gives a token to anybody for any person; production refuses to start with it',
    default: false,
  },
  CARILLON_QUERY_TOKEN: {
    type: 'switch',
    description: 'Whether `?token=` is taken where no header can be set; proxies log it, so only where none does',
    default: false,
  },
  CARILLON_TEST_PUBLISH: {
    type: 'switch',
    description: 'POST /realtime/test/publish puts made-up events into rooms; production refuses to start with it',
    default: false,
  },
  CARILLON_PING_MS: {
    type: 'number',
    description: 'Milliseconds between two pings of a connection, by WebSocket and in event streams',
    default: 15_000,
    min: 50,
    max: 60_000,
  },
  CARILLON_DRAIN_MS: {
    type: 'number',
    description: 'A gateway that is stopped gives its clients so many milliseconds to move to another one',
    default: 20_000,
    min: 0,
    max: 300_000,
  },
  CARILLON_STREAM_RESTORES: {
    type: 'number',
    description:
      'How often streams were restored from a copy: raise it by one after each time, so that clients load their state anew',
    default: 0,
    min: 0,
    max: 9_999,
  },
  CARILLON_ORIGINS: {
    type: 'list',
    description: 'Origins besides the own from which browsers may connect, separated by commas',
    default: [],
  },
  CARILLON_TRUSTED_PROXIES: {
    type: 'list',
    description: 'Addresses or networks whose X-Forwarded-For is believed, separated by commas',
    default: [],
  },
  CARILLON_CONSOLE_DIR: { type: 'string', description: 'The built console; not served where empty', default: '' },
  CARILLON_CANARY_SECONDS: {
    type: 'number',
    description:
      'How often gateways send an alarm through the whole house to see that it arrives; never where 0, and 5 at least in production',
    default: 10,
    min: 0,
    max: 300,
  },
  CARILLON_PRESENCE_GRACE_MS: {
    type: 'number',
    description: 'Milliseconds for which a person whose last device has gone still counts as present',
    default: 10_000,
    min: 0,
    max: 300_000,
  },
  CARILLON_RING_MESSAGES: {
    type: 'number',
    description: 'Newest messages of each stream that are kept in memory, from which clients resume',
    default: 20_000,
    min: 100,
  },
  CARILLON_LIMIT_CALLS_PATIENT: {
    type: 'number',
    description: 'Calls a minute of a patient or caregiver',
    default: 30,
    min: 1,
  },
  CARILLON_LIMIT_CALLS_STAFF: {
    type: 'number',
    description: 'Calls a minute of a member of staff',
    default: 120,
    min: 1,
  },
  CARILLON_LIMIT_CALLS_DEVICE: { type: 'number', description: 'Calls a minute of a device', default: 600, min: 1 },
  CARILLON_LIMIT_CONNECTIONS_PERSON: {
    type: 'number',
    description: 'Connections at once of a patient or caregiver',
    default: 5,
    min: 1,
  },
  CARILLON_LIMIT_CONNECTIONS_STAFF: {
    type: 'number',
    description: 'Connections at once of anybody else',
    default: 20,
    min: 1,
  },
  CARILLON_LIMIT_HANDSHAKES: { type: 'number', description: 'Handshakes a minute of a person', default: 30, min: 1 },
  CARILLON_LIMIT_FAILED_HANDSHAKES: {
    type: 'number',
    description: 'Refused tokens a minute of one address and token',
    default: 10,
    min: 1,
  },
  CARILLON_LIMIT_FAILED_HANDSHAKES_ADDRESS: {
    type: 'number',
    description: 'Refused tokens a minute of one address, behind which a whole hospital may sit',
    default: 600,
    min: 1,
  },
  CARILLON_TRUSTED_NETWORKS: {
    type: 'list',
    description: 'Addresses or networks without that ceiling, separated by commas: 10.0.0.0/8, 2001:db8::1',
    default: [],
  },
  CARILLON_LIMIT_CONNECTIONS: {
    type: 'number',
    description: 'Connections of this gateway; 0 for as many as half of its memory holds, at 32 kB each',
    default: 0,
    min: 0,
  },
  CARILLON_LIMIT_HANDSHAKES_TOTAL: {
    type: 'number',
    description: 'New connections a second of this gateway',
    default: 500,
    min: 1,
  },
  CARILLON_LIMIT_ROOMS: { type: 'number', description: 'Rooms of a connection', default: 128, min: 1 },
  CARILLON_LIMIT_FRAME_BYTES: {
    type: 'number',
    description: 'Size of a frame in',
    default: 32_768,
    min: 1_024,
    max: 1_048_576,
  },
} as const satisfies ConfigSchema;

export type GatewayConfig = Config<typeof configSchema>;

/** More often, a round that another engine takes over from one that crashed would look like escalation that has stopped. */
const leastCanarySeconds = 5;

/** What must not be in production. @throws ConfigError */
export function refuseUnsafe(config: GatewayConfig, environment: Environment): void {
  if (environment['NODE_ENV'] !== 'production') return;
  const { CARILLON_CANARY_SECONDS: seconds } = config;
  const problems: string[] = [];
  if (config.CARILLON_DEV_TOKENS)
    problems.push('CARILLON_DEV_TOKENS must be off in production: it gives anybody a token for any person');
  if (config.CARILLON_TEST_PUBLISH)
    problems.push('CARILLON_TEST_PUBLISH must be off in production: it puts made-up events into rooms');
  if (seconds > 0 && seconds < leastCanarySeconds)
    problems.push(`CARILLON_CANARY_SECONDS must be 0 or at least ${leastCanarySeconds} in production`);
  if (problems.length > 0) throw new ConfigError(problems);
}

const noUrl = { protocol: '', hostname: '', username: '', password: '' };
const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);

/** What one setting alone cannot tell. @throws ConfigError */
export function checkTokenConfig(config: GatewayConfig, environment: Environment): void {
  const { CARILLON_JWT_SECRET: secret, CARILLON_JWT_JWKS_URL: url } = config;
  const problems: string[] = [];
  if (secret === '' && url === '') problems.push('CARILLON_JWT_SECRET is missing, or else CARILLON_JWT_JWKS_URL');
  if (url !== '') {
    const { protocol, hostname, username, password } = URL.canParse(url) ? new URL(url) : noUrl;
    if (!['http:', 'https:'].includes(protocol)) problems.push('CARILLON_JWT_JWKS_URL must be a URL of https');
    if (username + password !== '') problems.push('CARILLON_JWT_JWKS_URL may hold no name and no password');
    const isOpen = protocol === 'http:' && !isLoopback(hostname);
    // Whoever is on the way could say whose tokens are good.
    if (isOpen && environment['NODE_ENV'] === 'production') problems.push('CARILLON_JWT_JWKS_URL must be https');
  }
  if (config.CARILLON_DEV_TOKENS && secret === '') problems.push('CARILLON_DEV_TOKENS needs CARILLON_JWT_SECRET');
  if (problems.length > 0) throw new ConfigError(problems);
}
