/** What a client sent, from bytes to frames: text only, one frame or several, one a line, ids that grow. */
import { CodedError, badInput, type CloseReason } from '@carillon/contracts/errors';
import { clientFrameSchema, type ClientFrame } from '@carillon/contracts/gateway';
import { validate } from '@carillon/contracts/schema';

/** A frame, or what to answer to what is none, and whether that is the end. */
export type Parsed =
  { frame: ClientFrame } | { error: CodedError; frameId: number | undefined; close: CloseReason | undefined };

const badFrame = (message: string | undefined, frameId?: number, issues?: readonly unknown[]): Parsed => ({
  error: new CodedError('bad_frame', message, issues === undefined ? {} : { issues }),
  frameId,
  close: 'badFrame',
});

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** @param lastFrameId of the frame before; -1 before the first */
export function parseFrame(text: string, lastFrameId: number): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const schema = clientFrameSchema(fieldOf(value, 't'));
  const given = fieldOf(value, 'id');
  const frameId = Number.isSafeInteger(given) && Number(given) >= 0 ? Number(given) : undefined;
  const checked = schema === undefined ? undefined : validate(schema, value);
  if (checked?.ok === true) {
    if (frameId !== undefined && frameId <= lastFrameId) return badFrame('The id must grow', frameId);
    return { frame: checked.value as ClientFrame };
  }
  const issues = checked?.ok === false ? checked.issues : [{ path: 't', message: 'Unknown frame' }];
  // The frame is ours and can be answered: what is wrong with it is the caller's to know.
  const isAnswerable = frameId !== undefined && frameId > lastFrameId && checked !== undefined;
  return isAnswerable ? { error: badInput(issues), frameId, close: undefined } : badFrame(undefined, undefined, issues);
}
