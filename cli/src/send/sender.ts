/** Who receives a message: one of the two. */
export interface Recipient {
  readonly user?: string;
  readonly group?: string;
}

/** What a server said about a message that it accepted. */
export interface SentMessage {
  readonly clientMsgID: string;
  readonly serverMsgID: string;
  /** Milliseconds since the epoch. */
  readonly sendTime: number;
}

/** A way of sending messages as one user to one recipient. */
export interface Sender extends Disposable {
  /** Sends one text message. @throws when it was refused or its outcome is unknown. */
  send(text: string): Promise<SentMessage>;
}
