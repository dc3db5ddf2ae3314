/** The whole house in this process, as `npm start` runs it, on servers of the test's own. */
import { fileURLToPath } from 'node:url';
import { start as startAlertEscalation } from '@carillon/alert-escalation/service';
import { start as startDirectory } from '@carillon/directory/service';
import { start as startGateway } from '@carillon/gateway/service';
import { start as startMonitoring } from '@carillon/monitoring/service';
import type { ServiceName } from '@carillon/contracts/define';
import type { Environment } from '@carillon/runtime/config';
import { call, tokenOf } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';

export const jwtSecret = 'a secret of the tests, of no worth anywhere';

export type House = {
  infrastructure: Infrastructure;
  environment: Environment;
  baseUrl: string;
  token(person: string): Promise<string>;
  /** What the gateway tells Prometheus. */
  gatewayMetrics(): Promise<string>;
  /** Stops the gateway and starts another on the same port. */
  restartGateway(): Promise<void>;
  stop(): Promise<void>;
};

export async function startHouse(more: Environment = {}): Promise<House> {
  const infrastructure = await startInfrastructure();
  const environment: Environment = {
    ...infrastructure.environment,
    CARILLON_HTTP_PORT: '0',
    CARILLON_JWT_SECRET: jwtSecret,
    CARILLON_DEV_TOKENS: 'on',
    CARILLON_DIRECTORY_SEED: fileURLToPath(new URL('../demo-hospital.json', import.meta.url)),
    // Stories are quicker than people.
    CARILLON_LIMIT_CALLS_STAFF: '6000',
    CARILLON_LIMIT_CALLS_DEVICE: '6000',
    CARILLON_LIMIT_HANDSHAKES: '1000',
    CARILLON_LIMIT_CONNECTIONS_STAFF: '200',
    ...more,
  };
  const environmentOf = (service: ServiceName): Environment => ({
    ...environment,
    NATS_URL: infrastructure.nats.urlOf(service),
  });
  const services = await Promise.all([
    startDirectory(environmentOf('directory')),
    startMonitoring(environmentOf('monitoring')),
    startAlertEscalation(environmentOf('alert-escalation')),
  ]);
  let gateway = await startGateway(environmentOf('gateway'));
  const baseUrl = `http://127.0.0.1:${gateway.port}`;
  const house: House = {
    infrastructure,
    environment,
    baseUrl,
    token: (person) => tokenOf(baseUrl, person),
    gatewayMetrics: () => gateway.metrics.registry.metrics(),
    async restartGateway() {
      const { port } = gateway;
      await gateway.stop();
      gateway = await startGateway({ ...environmentOf('gateway'), CARILLON_HTTP_PORT: String(port) });
    },
    async stop() {
      await gateway.stop();
      await Promise.all(services.map((service) => service.stop()));
      await infrastructure.stop();
    },
  };
  // The directory's events have reached everybody when the last person can be read and his ward is known to all.
  const nurse = await eventually(async () => (await house.token('n1')) || undefined, { what: 'the directory' });
  await eventually(
    async () => {
      const status = await call(baseUrl, 'GET', '/v1/wards/w2/status', { token: await house.token('n3') });
      const alerts = await call(baseUrl, 'GET', '/v1/alerts?wardId=w1', { token: nurse });
      const items = status.body['items'];
      return status.status === 200 && alerts.status === 200 && Array.isArray(items) && items.length === 2
        ? true
        : undefined;
    },
    { what: 'the projections', withinMs: 60_000 },
  );
  return house;
}
