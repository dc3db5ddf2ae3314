import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { eventually } from '@carillon/testkit/eventually';
import { startClient, stopClients } from './person.ts';
import { createHistory, startSmallGateway } from './small-gateway.ts';

afterEach(stopClients);

const alerts = 'ward:w1:alerts';
const vitals = 'ward:w1:vitals';
type Step = { kind: 'publish'; count: number } | { kind: 'cut' | 'drain' | 'close' | 'wait'; gateway: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut' as const, 'drain' as const, 'close' as const, 'wait' as const),
      gateway: fc.integer({ min: 0, max: 1 }),
    }),
  },
);

test('however connections are lost, drained and replaced, no alert is lost, doubled or out of order, and the newest value of each bed arrives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      const history = createHistory();
      const gateways = [await startSmallGateway(history), await startSmallGateway(history)];
      let target = 0;
      class Balanced extends WebSocket {
        constructor(_: string, protocols: string[]) {
          super(`${gateways[target]?.url.replace('http', 'ws')}/realtime/ws`, protocols);
        }
      }
      const client = startClient({
        url: 'http://127.0.0.1',
        speed: 60,
        transports: ['webSocket'],
        environment: { WebSocket: Balanced },
      });
      try {
        client.enter(alerts);
        client.enter(vitals);
        await eventually(() => (client.loads.length === 2 ? true : undefined));
        let count = 0;
        const publish = (): void => {
          count++;
          history.publish(alerts, { count });
          history.publish(vitals, { key: `p${count % 3}`, count });
        };
        for (const each of steps) {
          if (each.kind === 'publish') {
            for (let index = 0; index < each.count; index++) publish();
            continue;
          }
          target = each.gateway;
          const peer = gateways.flatMap((gateway) => gateway.peers).findLast(({ isOpen }) => isOpen);
          if (each.kind === 'cut') peer?.cut();
          else if (each.kind === 'close') peer?.close(4001);
          else if (each.kind === 'drain') peer?.say({ t: 'goaway', reason: 'drain', spreadMs: 50 });
          else await new Promise((resolve) => setImmediate(resolve));
        }
        publish();
        const got = (room: string): number[] =>
          client.messages
            .filter((message) => message.room === room)
            .map(({ data }) => (data as { count: number }).count);
        await eventually(() => (got(alerts).length >= count && got(vitals).includes(count) ? true : undefined), {
          what: `${count} alerts; came: ${got(alerts).join()}`,
        });
        expect(got(alerts)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
        expect(new Set(got(vitals)).size).toBe(got(vitals).length);
        expect(got(vitals)).toEqual(expect.arrayContaining([count, count - 1, count - 2].filter((each) => each > 0)));
        expect(client.loads).toHaveLength(2);
      } finally {
        client.stop();
        await Promise.all(gateways.map((gateway) => gateway.stop()));
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
