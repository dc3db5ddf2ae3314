import { expect, test } from '@jest/globals';
import {
  ownersOf,
  plannedServices,
  sendersOf,
  serviceNames,
  servicesWithDatabase,
  type ServiceName,
} from './define.ts';
import { edgeBeatSubject } from './devices.ts';
import {
  durables,
  eventPattern,
  natsPasswordVariable,
  natsPermissions,
  natsPermissionsConf,
  natsUsers,
  operationSubjects,
  streamsOf,
} from './nats-permissions.ts';
import { commandStream, commandSubject, streams } from './streams.ts';
import { commands, consumers, events, operations } from './surface.ts';
import { beatSubject } from './technical.ts';

/** Whether a pattern of permissions covers a subject. */
function covers(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return given.length > index;
    if (given[index] === undefined || (token !== '*' && token !== given[index])) return false;
  }
  return wanted.length === given.length;
}
const publishersOf = (subject: string): string[] =>
  serviceNames.filter((service) => {
    const { allow, deny } = natsPermissions(service).publish;
    return allow.some((each) => covers(each, subject)) && !deny.some((each) => covers(each, subject));
  });

test.each(events.map((event) => [event.name, event] as const))('%s is published by its owner alone', (_, event) => {
  expect(publishersOf(eventPattern(event).replaceAll('*', 'x'))).toEqual([event.owner]);
});

test('what clients may ask for is sent by the gateway alone', () => {
  for (const subject of operationSubjects)
    expect({ subject, by: publishersOf(subject) }).toEqual({ subject, by: ['gateway'] });
});

test('a command is sent by those alone that its contract names, and by the gateway if a client can call it', () => {
  for (const command of commands) {
    for (const owner of ownersOf(command))
      expect({ command, by: publishersOf(commandSubject(command, owner)) }).toEqual({
        command,
        by: sendersOf(command),
      });
    if (operations.has(command.name)) expect(sendersOf(command)).toEqual(['gateway']);
  }
});

test('a service that runs nowhere yet has no user and no durable: what it is sent waits as long as it is of use', () => {
  for (const service of plannedServices) {
    expect(natsUsers).not.toContain(service);
    expect(durables.filter((durable) => durable.service === service)).toEqual([]);
  }
  for (const command of commands) {
    const kept = ownersOf(command).map((owner) => streams[commandStream(owner)].maxAgeMs);
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(command.maxAgeMs);
  }
});

test('who sends commands may make the stream that they wait in', () => {
  for (const command of commands)
    for (const sender of sendersOf(command))
      expect(streamsOf(sender)).toEqual(expect.arrayContaining(ownersOf(command).map(commandStream)));
});

const listenersOf = (subject: string): ServiceName[] =>
  serviceNames.filter((service) => natsPermissions(service).subscribe.allow.some((each) => covers(each, subject)));

test('the engines of escalation say how they do, and gateways alone hear it', () => {
  expect(publishersOf(beatSubject)).toEqual(['alert-escalation']);
  expect(listenersOf(beatSubject)).toEqual(['gateway']);
});

test('gateways say that they take readings in, and monitoring alone hears it', () => {
  expect(publishersOf(edgeBeatSubject)).toEqual(['gateway']);
  expect(listenersOf(edgeBeatSubject)).toEqual(['monitoring']);
});

test('a durable is made, pulled and answered by its service alone, and deleted by none', () => {
  expect(durables.length).toBe(new Set(durables.map(({ stream, name }) => `${stream} ${name}`)).size);
  expect(durables.map(({ name }) => name)).toEqual(expect.arrayContaining(consumers.map(({ name }) => name)));
  for (const { service, stream, name, filter } of durables) {
    const own = [
      `$JS.API.CONSUMER.CREATE.${stream}.${name}.${filter}`,
      `$JS.API.CONSUMER.INFO.${stream}.${name}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
      `$JS.ACK.${stream}.${name}.1.2.3.4.5`,
    ];
    for (const subject of own) expect({ subject, by: publishersOf(subject) }).toEqual({ subject, by: [service] });
    expect(publishersOf(`$JS.API.CONSUMER.DELETE.${stream}.${name}`)).toEqual([]);
    expect(publishersOf(`$JS.API.CONSUMER.CREATE.${stream}.${name}`)).toEqual([]);
  }
});

test('a stream is changed by its owner alone, and emptied by none', () => {
  for (const [stream, { owner }] of Object.entries(streams)) {
    expect(publishersOf(`$JS.API.STREAM.UPDATE.${stream}`)).toEqual([owner]);
    for (const verb of ['PURGE', 'DELETE', 'MSG.DELETE', 'MSG.GET', 'SNAPSHOT', 'RESTORE'])
      expect(publishersOf(`$JS.API.STREAM.${verb}.${stream}`)).toEqual([]);
  }
});

test('who is there is written by gateways alone, and no bucket is emptied by any', () => {
  for (const subject of ['$KV.presence.device.g1.h1.n1', '$KV.lastSeen.h1.n1'])
    expect(publishersOf(subject)).toEqual(['gateway']);
  for (const bucket of ['people', 'access', 'presence', 'lastSeen'])
    expect(publishersOf(`$JS.API.STREAM.PURGE.KV_${bucket}`)).toEqual([]);
});

test('answers, signals and dead letters carry the name of the service that may publish them', () => {
  for (const service of servicesWithDatabase) {
    for (const subject of [`rep.${service}.gateway.x.1`, `sig.relay.${service}.normal`, `dead.${service}.care.x`])
      expect(publishersOf(subject)).toEqual([service]);
  }
  for (const service of serviceNames) {
    const inboxes = natsPermissions(service).subscribe.allow.filter((subject) => subject.startsWith('_INBOX'));
    expect(inboxes).toEqual([`_INBOX.${service}.>`]);
    expect(publishersOf(`_INBOX.${service}.x.y`)).toEqual([]);
  }
});

test('test events are the gateway’s in development only', () => {
  const subject = 'care.h1.w1._.critical.alert.test';
  const mayPublish = (hasTestEvents: boolean): boolean =>
    natsPermissions('gateway', { hasTestEvents }).publish.allow.some((each) => covers(each, subject));
  expect([mayPublish(false), mayPublish(true)]).toEqual([false, true]);
  for (const service of servicesWithDatabase)
    expect(natsPermissions(service, { hasTestEvents: true })).toEqual(natsPermissions(service));
});

test('the file names each user once, with a password from a variable of his own', () => {
  const file = natsPermissionsConf();
  const named = [...file.matchAll(/user: "([^"]+)", password: \$(\w+)/g)].map(([, user, variable]) => [user, variable]);
  expect(named).toEqual(natsUsers.map((user) => [user, natsPasswordVariable(user)]));
  expect(new Set(natsUsers.map(natsPasswordVariable)).size).toBe(natsUsers.length);
});
