import type {
  ConversationRepoChanges,
  Convs,
  CursorRepo,
  DeadLetterRepo,
  MsgRows,
  SeqUsers,
} from '@im/store';

/** What transfer writes. */
export interface Repos {
  readonly rows: MsgRows;
  readonly convs: Convs;
  readonly seqUsers: SeqUsers;
  readonly conversations: Pick<ConversationRepoChanges, 'createForOwners' | 'freezeForUsers'>;
  readonly cursors: CursorRepo;
  readonly deadLetters: DeadLetterRepo;
}
