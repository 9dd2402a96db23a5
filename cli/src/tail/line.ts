import type { TailEvent } from '@im/admin-api';
import { printable } from '../printable.ts';

/** What an event is, as a line for people. */
export function tailLine(event: TailEvent): string {
  const time = new Date(event.time).toISOString();
  if (event.event === 'missed') return `${time} ! ${event.count} events are not shown: they came too fast`;
  const { conversationID, seq, sendID, recvID, groupID, contentType, bytes, again } = event;
  const target = groupID === '' ? recvID : `group ${groupID}`;
  const place = seq === 0 ? conversationID : `${conversationID}#${seq}`;
  const more = again ? ', maybe again' : '';
  return printable(
    `${time} ${event.event} ${place}: ${sendID} -> ${target}, type ${contentType}, ${bytes} bytes${more}`,
  );
}
