/** A gateway in a process of its own, which can be killed. */
import { builtFile, freePort, startNode, type NodeProcess } from '@carillon/testkit/node-process';
import { jwtSecret } from '../config.ts';
import type { Desk } from '../desk.ts';

export type GatewayProcess = { port: number; process: NodeProcess };

export async function startGatewayProcess(desk: Desk, more: Record<string, string> = {}): Promise<GatewayProcess> {
  const [port, internal] = [await freePort(), await freePort()];
  const process = startNode([builtFile('services/gateway/dist/main.js')], {
    ...desk.infrastructure.environmentOf('gateway'),
    CARILLON_JWT_SECRET: jwtSecret,
    CARILLON_HTTP_PORT: String(port),
    CARILLON_INTERNAL_PORT: String(internal),
    CARILLON_LIMIT_HANDSHAKES: '10000',
    CARILLON_LIMIT_CONNECTIONS_STAFF: '500',
    ...more,
  });
  await process.line('gateway ready');
  return { port, process };
}
