import { readRange } from '@carillon/bus/read-range';
import { readStream, streamState } from '@carillon/bus/stream-reader';

/** How a hub reaches its stream; tests have one of their own, to decide what happens first. */
export type StreamSource = {
  readStream: typeof readStream;
  streamState: typeof streamState;
  readRange: typeof readRange;
};
export const natsSource: StreamSource = { readStream, streamState, readRange };
