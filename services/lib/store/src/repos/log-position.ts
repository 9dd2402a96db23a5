/** Positions of one incarnation of the stream; a stream would have to hold a million million records to outgrow it. */
const EPOCH_SPAN = 2 ** 40;

/** Position as rows and conversations keep it: it rises across incarnations of the stream. */
export function toPosition(epoch: number, streamPosition: number): number {
  return epoch * EPOCH_SPAN + streamPosition;
}

/** The stream's own position of one in this epoch; 0 for one of an earlier epoch. */
export function toStreamPosition(epoch: number, position: number): number {
  return Math.max(0, position - epoch * EPOCH_SPAN);
}

/** The epoch that a position belongs to. */
export function epochOf(position: number): number {
  return Math.floor(position / EPOCH_SPAN);
}
