import type {
  ConversationRepoChanges,
  Convs,
  CursorRepo,
  DeadLetterRepo,
  DedupBlockRepo,
  FoldCommit,
  MsgRows,
  ParkedRecordRepo,
  SeqUsers,
  Store,
} from '@im/store';

/** What transfer writes. */
export interface Repos {
  /** Rows and conversations with one commit, where the database can. */
  readonly fold: FoldCommit;
  readonly rows: MsgRows;
  readonly convs: Convs;
  readonly seqUsers: SeqUsers;
  readonly conversations: Pick<
    ConversationRepoChanges,
    'createForOwners' | 'openForMembers' | 'freezeForUsers'
  >;
  readonly cursors: CursorRepo;
  readonly deadLetters: DeadLetterRepo;
  readonly dedupBlocks: DedupBlockRepo;
  readonly parked: ParkedRecordRepo;
  /** Where the documents of tenants are. */
  readonly placements: Store['placements'];
}
