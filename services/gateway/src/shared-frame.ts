import { encodeResponse, type ResponseEnvelope } from '@im/protocol';
import { binaryFrame } from './frame.ts';
import { framingAt } from './framings.ts';

/**
 * One answer or push as WebSocket frames: encoded at most once per framing, the same bytes for every
 * socket that wants it.
 */
export class SharedFrame {
  readonly #make: () => ResponseEnvelope;
  #envelope: ResponseEnvelope | undefined;
  readonly #frames: (Buffer | undefined)[] = [undefined, undefined, undefined, undefined];

  /** @param make called at the first use, so that a push without receivers costs nothing. */
  constructor(make: () => ResponseEnvelope) {
    this.#make = make;
  }

  /** The frame for connections of this framing (an index of `FRAMINGS`). */
  for(framing: number): Buffer {
    let frame = this.#frames[framing];
    if (frame === undefined) {
      this.#envelope ??= this.#make();
      frame = binaryFrame(encodeResponse(framingAt(framing), this.#envelope));
      this.#frames[framing] = frame;
    }
    return frame;
  }
}
