import type { CoreEvent, Stored } from '@im/kube';
import type { FoundCluster } from './find.ts';

/** An event as a line of the story of a cluster. */
export interface StoryEvent {
  /** When it happened last, ISO 8601. */
  readonly time: string;
  readonly type: string;
  /** `kind/name` of what it is about. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  /** How often it happened. */
  readonly count: number;
}

/** When an event happened last, ms since the epoch. */
export function eventTimeMs({
  lastTimestamp,
  eventTime,
  firstTimestamp,
  metadata,
  series,
}: Stored<CoreEvent>): number {
  const text =
    series?.lastObservedTime ??
    lastTimestamp ??
    eventTime ??
    firstTimestamp ??
    metadata.creationTimestamp ??
    '';
  return Date.parse(text) || 0;
}

/** Whether an event is about a cluster, or about an object whose name says that it is one of the cluster's. */
export function isOfCluster(event: Stored<CoreEvent>, { metadata }: FoundCluster, own: boolean): boolean {
  const { kind, name = '', uid } = event.involvedObject;
  if (kind === 'OpenIMCluster') return name === metadata.name && (uid === undefined || uid === metadata.uid);
  return !own && (name.startsWith(`${metadata.name}-`) || name.startsWith(`${metadata.name}.`));
}

/** An event for people and programs. */
export function storyEvent(event: Stored<CoreEvent>): StoryEvent {
  const { involvedObject, type = 'Normal', reason = '', message = '', count, series } = event;
  return {
    time: new Date(eventTimeMs(event)).toISOString(),
    type,
    object: `${involvedObject.kind?.toLowerCase() ?? 'object'}/${involvedObject.name ?? ''}`,
    reason,
    message: message.trim(),
    count: series?.count ?? count ?? 1,
  };
}

/** A line about an event: time, `!` for a warning, what happened to what, and how often. */
export function eventLine({ time, type, object, reason, message, count }: StoryEvent): string {
  const mark = type === 'Normal' ? ' ' : '!';
  const often = count > 1 ? ` (${count} times)` : '';
  return `${time.slice(0, 19)}Z ${mark} ${reason}  ${object}: ${printable(message)}${often}`;
}

/** Messages come from others: what would steer a terminal is not shown. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');
}
