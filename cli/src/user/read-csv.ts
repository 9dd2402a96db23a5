import { type CsvUser, readUserCsv } from '@im/admin-api';
import { usageError } from '../exit-codes.ts';

/**
 * The users of a CSV text, whose first line names columns: userID, nickname, faceURL and ex in any order.
 * @throws CommandError `usage` that names the line and the field at fault
 */
export function readUsers(text: string): readonly CsvUser[] {
  const { users, faults } = readUserCsv(text);
  const [fault] = [...faults].sort((a, b) => a.line - b.line);
  if (fault) throw usageError(`line ${fault.line}: ${fault.message}`);
  return users;
}
