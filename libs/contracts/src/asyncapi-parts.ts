/** Of what an AsyncAPI 3.0 document is put together: addresses, headers, messages and references. */
import { lanes } from './define.ts';
import { identifier, type Json, type SchemaWriter } from './document-parts.ts';
import { eventHeaders } from './streams.ts';

const headerDescriptions: Readonly<Record<keyof typeof eventHeaders, string>> = {
  id: 'Of the message; the stream takes it once',
  event: 'Name of the event',
  at: 'When it happened, RFC 3339',
  ack: '`true` where clients are asked for receipts',
  key: 'Messages of one key replace one another where a client is slow',
  version: 'Of the entity: ignore what is lower or equal to what you have',
  lane: 'critical, normal or bulk',
  traceparent: 'W3C Trace Context',
};
const requiredHeaders: readonly (keyof typeof eventHeaders)[] = ['id', 'event', 'at', 'version'];
export const eventHeadersSchema: Json = {
  type: 'object',
  required: requiredHeaders.map((key) => eventHeaders[key]),
  properties: Object.fromEntries(
    Object.entries(headerDescriptions).map(([key, description]) => [
      eventHeaders[key as keyof typeof eventHeaders],
      { type: 'string', description },
    ]),
  ),
};
export const traceHeaders: Json = {
  type: 'object',
  properties: { [eventHeaders.traceparent]: { type: 'string', description: headerDescriptions.traceparent } },
};

const parameterDescriptions: Readonly<Record<string, string>> = {
  hospital: 'Hospital',
  ward: 'Ward; `_` where the patient lies in none',
  patient: 'Patient; `_` where it concerns none',
  person: 'The person to whom it is addressed',
  lane: 'How urgent it is',
  type: 'Kind of device',
  partition: '00 to 15: FNV-1a of the patient id, modulo 16',
  source: 'Where they came from: device, person or fhir',
};
/** `<name>` of our notation becomes `{name}`, with a description of each. */
export function addressed(name: string, idDescription = 'Id of the entity'): Json {
  const tokens = [...name.matchAll(/<(\w+)>/g)].map(([, token]) => token ?? '');
  return {
    address: name.replaceAll(/<(\w+)>/g, '{$1}'),
    ...(tokens.length === 0
      ? {}
      : {
          parameters: Object.fromEntries(
            tokens.map((token) => [
              token,
              {
                description: parameterDescriptions[token] ?? idDescription,
                ...(token === 'lane' ? { enum: [...lanes] } : {}),
              },
            ]),
          ),
        }),
  };
}

export const nats = { servers: [{ $ref: '#/servers/nats' }] };
export const webSocket = { servers: [{ $ref: '#/servers/gateway' }] };
export const tagged = (...names: readonly string[]): Json => ({ tags: names.map((name) => ({ name })) });

export type Document = { channels: Record<string, Json>; operations: Record<string, Json>; schemas: SchemaWriter };
export type Message = { name: string; summary?: string; payload: Json; headers?: Json };

const messageKey = (name: string): string => identifier(name);
export const reference = (channel: string, message?: string): Json => ({
  $ref: `#/channels/${channel}${message === undefined ? '' : `/messages/${messageKey(message)}`}`,
});
export const withMessages = (messages: readonly Message[]): Json => ({
  messages: Object.fromEntries(
    messages.map((message) => [messageKey(message.name), { contentType: 'application/json', ...message }]),
  ),
});
export function addOperation(
  { operations }: Document,
  name: string,
  action: 'send' | 'receive',
  channel: string,
  more: Json & { messages?: readonly string[] },
): void {
  const { messages, ...rest } = more;
  operations[name] = {
    action,
    channel: reference(channel),
    ...rest,
    ...(messages === undefined ? {} : { messages: messages.map((message) => reference(channel, message)) }),
  };
}
