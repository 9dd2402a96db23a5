import { CONTENT, type sdkws } from '@im/protocol';

/** A received message as programs see it. */
export interface PrintedMessage {
  readonly conversationID: string;
  readonly seq: number;
  readonly sendID: string;
  readonly senderNickname: string;
  readonly recvID: string;
  readonly groupID: string;
  readonly contentType: number;
  /** What a person would read; of contents without text their kind in brackets. */
  readonly text: string;
  /** The content as it came, JSON in OpenIM's form for the type. */
  readonly content: string;
  /** Milliseconds since the epoch. */
  readonly sendTime: number;
  readonly clientMsgID: string;
  readonly serverMsgID: string;
}

/** The message in the form that is printed. */
export function printedMessage(conversationID: string, message: sdkws.MsgData): PrintedMessage {
  const content = Buffer.from(message.content).toString('utf8');
  const { seq, sendID, senderNickname, recvID, groupID, contentType, sendTime } = message;
  return {
    conversationID,
    seq,
    sendID,
    senderNickname,
    recvID,
    groupID,
    contentType,
    text: textOf(contentType, content),
    content,
    sendTime,
    clientMsgID: message.clientMsgID,
    serverMsgID: message.serverMsgID,
  };
}

/** One line for people: time, conversation, place in it, sender, text. */
export function messageLine(message: PrintedMessage): string {
  const time = new Date(message.sendTime).toISOString();
  const place = message.seq === 0 ? '' : ` #${message.seq}`;
  return visible(`${time} ${message.conversationID}${place} ${message.sendID}: ${message.text}`);
}

const KINDS = new Map<number, string>(Object.entries(CONTENT).map(([name, type]) => [type, name]));

/** Keys under which contents carry their text, by type. */
const TEXT_KEYS = new Map<number, string>([
  [CONTENT.Text, 'content'],
  [CONTENT.AtText, 'text'],
  [CONTENT.Quote, 'text'],
  [CONTENT.Markdown, 'content'],
]);

function textOf(contentType: number, content: string): string {
  const key = TEXT_KEYS.get(contentType);
  if (key !== undefined) {
    try {
      const text: unknown = (JSON.parse(content) as Record<string, unknown>)[key];
      if (typeof text === 'string') return text;
    } catch {
      return content;
    }
  }
  return `[${KINDS.get(contentType) ?? contentType}]`;
}

/** Control characters as escapes: one message stays one line, and cannot steer the terminal. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (c) =>
    c === '\n' ? '\\n' : c === '\t' ? '\\t' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
