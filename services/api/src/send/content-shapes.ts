import { CONTENT } from '@im/protocol';

/** Schema of a field of a message's content; as in OpenIM, numbers are accepted for texts and vice versa. */
export interface FieldShape {
  readonly kind: 'text' | 'int' | 'bool' | 'object' | 'list' | 'any';
  /** Neither absent nor empty, zero or false. */
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Most entries of a list. */
  readonly maxEntries?: number;
  /** Fields of an object, or of a list's entries. */
  readonly inside?: Shape;
}

/** Fields of an object by key. */
export type Shape = Readonly<Record<string, FieldShape>>;

const text: FieldShape = { kind: 'text' };
const int: FieldShape = { kind: 'int' };
const any: FieldShape = { kind: 'any' };
const needText: FieldShape = { kind: 'text', required: true };
const needInt: FieldShape = { kind: 'int', required: true };

const picture: Shape = {
  uuid: text,
  type: needText,
  size: int,
  width: needInt,
  height: needInt,
  url: needText,
};
const needPicture: FieldShape = { kind: 'object', required: true, inside: picture };

const pictureElem: Shape = {
  sourcePath: text,
  sourcePicture: needPicture,
  bigPicture: needPicture,
  snapshotPicture: needPicture,
};
const soundElem: Shape = {
  uuid: text,
  soundPath: text,
  sourceUrl: needText,
  dataSize: int,
  duration: { kind: 'int', required: true, min: 1 },
};
const videoElem: Shape = {
  videoPath: text,
  videoUUID: text,
  videoUrl: needText,
  videoType: needText,
  videoSize: needInt,
  duration: needInt,
  snapshotPath: text,
  snapshotUUID: text,
  snapshotSize: int,
  snapshotUrl: needText,
  snapshotWidth: needInt,
  snapshotHeight: needInt,
};
const fileElem: Shape = {
  filePath: text,
  uuid: text,
  sourceUrl: needText,
  fileName: needText,
  fileSize: needInt,
};

/** Most users that an @-message may name. */
const MAX_AT_USERS = 1_000;

/** Contents that administrators may send by content type; other types are refused. Source: docs/protocol/http.md. */
export const CONTENT_SHAPES: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [CONTENT.Text, { content: needText }],
  [CONTENT.Markdown, { content: needText }],
  [CONTENT.Picture, pictureElem],
  [CONTENT.Voice, soundElem],
  [CONTENT.Video, videoElem],
  [CONTENT.File, fileElem],
  [
    CONTENT.AtText,
    {
      text,
      atUserList: { kind: 'list', required: true, maxEntries: MAX_AT_USERS },
      isAtSelf: { kind: 'bool' },
      atUsersInfo: { kind: 'list', inside: { atUserID: text, groupNickname: text } },
      quoteMessage: any,
    },
  ],
  [CONTENT.Custom, { data: needText, description: text, extension: text }],
  [CONTENT.Quote, { text, quoteMessage: any }],
  [
    CONTENT.OANotification,
    {
      notificationName: needText,
      notificationFaceURL: text,
      notificationType: needInt,
      text: needText,
      url: text,
      mixType: { kind: 'int', min: 0, max: 5 },
      pictureElem: { kind: 'object', inside: pictureElem },
      soundElem: { kind: 'object', inside: soundElem },
      videoElem: { kind: 'object', inside: videoElem },
      fileElem: { kind: 'object', inside: fileElem },
      ex: text,
    },
  ],
]);
