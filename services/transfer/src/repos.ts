import type {
  ConversationSeqs,
  ConversationSettingsChanges,
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
  readonly conversationSeqs: ConversationSeqs;
  readonly seqUsers: SeqUsers;
  readonly conversationSettings: Pick<
    ConversationSettingsChanges,
    'createForOwners' | 'openForMembers' | 'freezeForUsers'
  >;
  readonly cursors: CursorRepo;
  readonly deadLetters: DeadLetterRepo;
  readonly dedupBlocks: DedupBlockRepo;
  readonly parked: ParkedRecordRepo;
  /** Where the documents of tenants are. */
  readonly placements: Store['placements'];
}
