/** Hears that gateways take readings in: while none does, that nothing comes says nothing of sensors. */
import { edgeBeatSubject } from '@carillon/contracts/devices';
import { readGauge } from '@carillon/runtime/metrics';
import type { ServiceTools } from '@carillon/runtime/service';
import type { Ears } from './ears.ts';

export function followEdge({ bus, metrics }: ServiceTools, ears: Ears): { stop(): void } {
  const subscription = bus.nc.subscribe(edgeBeatSubject, {
    callback(error) {
      if (error === null) ears.edgeHeard();
    },
  });
  readGauge(
    metrics.registry,
    {
      name: 'carillon_edge_silent_seconds',
      help: 'Since when no gateway has said that it takes readings in; beyond 3 no sensor is missed',
    },
    () => [['', ears.edgeSilentMs() / 1_000]],
  );
  return { stop: () => subscription.unsubscribe() };
}
