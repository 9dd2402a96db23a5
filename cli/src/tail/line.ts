import type { TailEvent } from '@im/admin-api';

/** Ids come from users: what would steer a terminal is not shown. */
const shown = (text: string) => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');

/** What an event is, as a line for people. */
export function tailLine(event: TailEvent): string {
  const time = new Date(event.time).toISOString();
  if (event.event === 'missed') return `${time} ! ${event.count} events are not shown: they came too fast`;
  const { conversationID, seq, sendID, recvID, groupID, contentType, bytes, again } = event;
  const target = groupID === '' ? recvID : `group ${groupID}`;
  const place = seq === 0 ? conversationID : `${conversationID}#${seq}`;
  const more = again ? ', maybe again' : '';
  return shown(
    `${time} ${event.event} ${place}: ${sendID} -> ${target}, type ${contentType}, ${bytes} bytes${more}`,
  );
}
