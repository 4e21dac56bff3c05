/** The number of unread messages of a member, as a column (protocol.md section 1.7). */
import type { SqlClient, Statement } from "effect/sql"

/**
 * Messages of types 0 to 6 after a read position that were not recalled. `row` has `id`, `readable_count` of the
 * conversation, and `read_seq` of the member.
 */
export const unreadOf = (sql: SqlClient.SqlClient, row: string): Statement.Fragment =>
  sql.literal(`(
    ${row}.readable_count
    - COALESCE((SELECT r.readable_count FROM messages r WHERE r.conversation_id = ${row}.id AND r.seq = ${row}.read_seq), 0)
    - (SELECT COUNT(*) FROM recalls r WHERE r.conversation_id = ${row}.id AND r.seq > ${row}.read_seq)
  )`)
