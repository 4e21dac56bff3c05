/** The database schema, as numbered steps that run once each, in order, at start. A step that has landed never changes. */
import { randomBytes } from "node:crypto"
import { Effect, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { privacySettings, waysIntoGroups } from "./GroupAccess.ts"
import { nicknameKey } from "./NicknameKey.ts"
import { deliveryGaps, refusedDrafts } from "./PipelineTables.ts"
import { readableMessages } from "./ReadableMessages.ts"
import { rowsAs } from "./Rows.ts"
import { addColumn, createIndex, createTable, dropIndex } from "./SchemaSteps.ts"
import { limitTo, rowsOf, updateFrom } from "./SqlDialect.ts"

/** Ids are decimal strings, times Unix milliseconds. */
const accounts = Effect.gen(function* () {
  yield* createTable(
    "users",
    `id VARCHAR(20) NOT NULL PRIMARY KEY,
    phone VARCHAR(16) NOT NULL UNIQUE,
    password_hash VARCHAR(255) NOT NULL,
    nickname VARCHAR(64) NOT NULL,
    nickname_key VARCHAR(128) NOT NULL,
    sex INTEGER NOT NULL,
    avatar VARCHAR(1024) NOT NULL,
    created_at BIGINT NOT NULL`
  )
  yield* createIndex("users_nickname", "users", "nickname_key")
  yield* createTable(
    "refresh_tokens",
    `token_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    session_id VARCHAR(20) NOT NULL,
    user_id VARCHAR(20) NOT NULL,
    device_id VARCHAR(64) NOT NULL,
    platform VARCHAR(32) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT`
  )
  yield* createIndex("refresh_tokens_session", "refresh_tokens", "session_id")
  yield* createIndex("refresh_tokens_user", "refresh_tokens", "user_id, created_at")
})

const conversations = Effect.gen(function* () {
  yield* createTable(
    "conversations",
    `id VARCHAR(41) NOT NULL PRIMARY KEY,
    chat_type INTEGER NOT NULL,
    last_seq BIGINT NOT NULL`,
    { clustered: true }
  )
  // Positions are seqs: where the member joined, has read to, and last sent; in a group `sent_seq` says no more than
  // whether the member has done anything there by themselves, above 0, or not (`Groups.membersWithVisibility`).
  yield* createTable(
    "conversation_members",
    `conversation_id VARCHAR(41) NOT NULL,
    user_id VARCHAR(20) NOT NULL,
    joined_seq BIGINT NOT NULL,
    read_seq BIGINT NOT NULL,
    sent_seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id)`,
    { clustered: true }
  )
  yield* createIndex("conversation_members_user", "conversation_members", "user_id, conversation_id")
  // Not clustered: messages of many conversations arrive together, and so they are appended to the same pages.
  yield* createTable(
    "messages",
    `conversation_id VARCHAR(41) NOT NULL,
    seq BIGINT NOT NULL,
    message_id VARCHAR(20) NOT NULL,
    sender_id VARCHAR(20) NOT NULL,
    client_id VARCHAR(64) NOT NULL,
    receive_id VARCHAR(20) NOT NULL,
    chat_type INTEGER NOT NULL,
    message_type INTEGER NOT NULL,
    content TEXT NOT NULL,
    send_time BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq)`
  )
  yield* createIndex("messages_idempotency", "messages", "sender_id, client_id", { unique: true })
  yield* createIndex("messages_id", "messages", "message_id", { unique: true })
  yield* createIndex("messages_time", "messages", "conversation_id, send_time")
})

const blocks = createTable(
  "blocks",
  `user_id VARCHAR(20) NOT NULL,
  blocked_id VARCHAR(20) NOT NULL,
  PRIMARY KEY (user_id, blocked_id)`,
  { clustered: true }
)

/** For `conversation.sync`: each change has the version of the store at which it became visible. */
const versions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of ["conversations", "conversation_members", "messages"]) {
    yield* addColumn(table, "version", "BIGINT NOT NULL DEFAULT 0")
  }
  yield* createTable("store_version", "version BIGINT NOT NULL", { mysqlKey: "version" })
  const known = yield* sql`SELECT 1 FROM store_version`
  if (known.length === 0) yield* sql`INSERT INTO store_version (version) VALUES (0)`
})

/** The processes, each with its machine id for snowflakes and its last sign of life. */
const processLeases = Effect.gen(function* () {
  yield* createTable("process_leases", "machine_id BIGINT NOT NULL PRIMARY KEY, renewed_at BIGINT NOT NULL")
})

/**
 * Drops the index on times. Times of a conversation rise with its seqs, so that a binary search among the seqs finds a time,
 * and no batch has to write the index's pages. Earlier times came from the clock of one process, and rise as well.
 */
const risingTimes = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* addColumn("conversations", "last_time", "BIGINT NOT NULL DEFAULT 0")
  yield* sql`
    UPDATE conversations SET last_time = COALESCE(
      (SELECT MAX(m.send_time) FROM messages m WHERE m.conversation_id = conversations.id), 0)`
  yield* dropIndex("messages_time", "messages")
})

/** Two rows for each friendship. Handled requests stay, as a history. */
const contacts = Effect.gen(function* () {
  yield* createTable(
    "contacts",
    `user_id VARCHAR(20) NOT NULL,
    contact_id VARCHAR(20) NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (user_id, contact_id)`,
    { clustered: true }
  )
  yield* createTable(
    "contact_requests",
    `id VARCHAR(20) NOT NULL PRIMARY KEY,
    requester_id VARCHAR(20) NOT NULL,
    receiver_id VARCHAR(20) NOT NULL,
    message VARCHAR(255) NOT NULL,
    requested_at BIGINT NOT NULL,
    handle_result INTEGER NOT NULL,
    handled_at BIGINT`
  )
  // Requests between two users and pending ones are counted; the requests of one user are listed by time.
  yield* createIndex("contact_requests_pair", "contact_requests", "requester_id, handle_result, receiver_id")
  yield* createIndex("contact_requests_waiting", "contact_requests", "receiver_id, handle_result")
  yield* createIndex("contact_requests_sent", "contact_requests", "requester_id, requested_at, id")
  yield* createIndex("contact_requests_received", "contact_requests", "receiver_id, requested_at, id")
})

/** Groups are conversations; a member is a row of `conversation_members` with a role (`src/domain/groups/Group.ts`). */
const groups = Effect.gen(function* () {
  yield* createTable(
    "groups_",
    `id VARCHAR(20) NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    icon VARCHAR(1024) NOT NULL,
    is_verify INTEGER NOT NULL,
    member_count INTEGER NOT NULL`,
    { clustered: true }
  )
  yield* createTable(
    "group_requests",
    `id VARCHAR(20) NOT NULL PRIMARY KEY,
    group_id VARCHAR(20) NOT NULL,
    user_id VARCHAR(20) NOT NULL,
    inviter_id VARCHAR(20) NOT NULL,
    message VARCHAR(255) NOT NULL,
    requested_at BIGINT NOT NULL,
    handle_result INTEGER NOT NULL,
    handled_by VARCHAR(20),
    handled_at BIGINT`,
    { clustered: true }
  )
  // Pending requests are counted and looked up; the requests of a group and of a requester are listed by time.
  yield* createIndex("group_requests_waiting", "group_requests", "group_id, handle_result")
  yield* createIndex("group_requests_group", "group_requests", "group_id, requested_at, id")
  yield* createIndex("group_requests_inviter", "group_requests", "inviter_id, requested_at, id")
  yield* createIndex("group_requests_user", "group_requests", "user_id, handle_result, group_id")
  yield* addColumn("conversation_members", "role", "INTEGER NOT NULL DEFAULT 3")
})

/** Messages that are changed after they were sent, and lists of conversations. */
const changes = Effect.gen(function* () {
  // The changes of a message as bits (`MessageRows.ts`), and the digest of its first content, where it has another now.
  yield* addColumn("messages", "state", "INTEGER NOT NULL DEFAULT 0")
  yield* addColumn("messages", "first_digest", "VARCHAR(44) NOT NULL DEFAULT ''")
  yield* addColumn("messages", "target_seq", "BIGINT")
  // Where the former contents of a message are, which must go when it is recalled.
  yield* createTable(
    "message_edits",
    `conversation_id VARCHAR(41) NOT NULL,
    target_seq BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, target_seq, seq)`,
    { clustered: true }
  )
  yield* createTable(
    "reactions",
    `conversation_id VARCHAR(41) NOT NULL,
    seq BIGINT NOT NULL,
    user_id VARCHAR(20) NOT NULL,
    reaction VARCHAR(32) NOT NULL,
    PRIMARY KEY (conversation_id, seq, user_id)`,
    { clustered: true }
  )
})

/** A member's settings of a conversation in their list. It is hidden up to a seq: a later message shows it again. */
const conversationLists = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* addColumn("conversation_members", "hidden_seq", "BIGINT NOT NULL DEFAULT -1")
  yield* addColumn("conversation_members", "pinned", "INTEGER NOT NULL DEFAULT 0")
  yield* addColumn("conversation_members", "muted", "INTEGER NOT NULL DEFAULT 0")
  // The last message that is no change of another one.
  yield* addColumn("conversations", "shown_seq", "BIGINT NOT NULL DEFAULT 0")
  yield* sql`UPDATE conversations SET shown_seq = last_seq`
})

/**
 * A connection counts while its process renews its lease. A device stays when its connections have gone, with the version
 * of presence of its last change.
 */
const presence = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* createTable(
    "connections",
    `connection_id VARCHAR(20) NOT NULL PRIMARY KEY,
    user_id VARCHAR(20) NOT NULL,
    device_id VARCHAR(64) NOT NULL,
    platform VARCHAR(32) NOT NULL,
    machine_id BIGINT NOT NULL,
    opened_at BIGINT NOT NULL`,
    { clustered: true }
  )
  yield* createIndex("connections_user", "connections", "user_id, device_id")
  yield* createIndex("connections_machine", "connections", "machine_id, connection_id")
  yield* createTable(
    "devices",
    `user_id VARCHAR(20) NOT NULL,
    device_id VARCHAR(64) NOT NULL,
    platform VARCHAR(32) NOT NULL,
    last_seen BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id)`,
    { clustered: true }
  )
  yield* createIndex("devices_version", "devices", "version")
  yield* createTable("presence_version", "version BIGINT NOT NULL", { mysqlKey: "version" })
  const known = yield* sql`SELECT 1 FROM presence_version`
  if (known.length === 0) yield* sql`INSERT INTO presence_version (version) VALUES (0)`
})

/** A refresh token that has been used keeps what its next one was made of. */
const repeatableRefreshes = addColumn("refresh_tokens", "successor_seed", "VARCHAR(64)")

/** For how long a sign of life counts: longer when its process ended in order, and its clients will be back. */
const validityOfLeases = addColumn("process_leases", "valid_for", "BIGINT NOT NULL DEFAULT 12000")

/** The terms of the store by their first version. The one of version 0 is the identity of the store. */
const storeTerms = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* createTable("store_terms", "first_version BIGINT NOT NULL PRIMARY KEY, term VARCHAR(22) NOT NULL")
  const known = yield* sql`SELECT 1 FROM store_terms`
  const term = randomBytes(12).toString("base64url")
  if (known.length === 0) yield* sql`INSERT INTO store_terms ${sql.insert({ first_version: 0, term })}`
})

/** Users of one statement. */
const usersMax = 1_000
const NicknameRow = Schema.Struct({ id: Schema.String, nickname: Schema.String })

/** Nicknames are found whatever their case in Turkish, Greek and German, too. */
const foldedNicknames = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const renamed = (after: string): Effect.Effect<void, SqlError.SqlError> =>
    Effect.gen(function* () {
      const users = yield* rowsAs(NicknameRow)(
        sql`SELECT id, nickname FROM users WHERE id > ${after} ORDER BY id ${limitTo(sql, usersMax)}`
      )
      const last = users.at(-1)
      if (last === undefined) return
      const keys = users.map(({ id, nickname }) => ({ id, nicknameKey: nicknameKey(nickname) }))
      const columns = { id: "id", nicknameKey: "text" } as const
      yield* sql`
        UPDATE ${updateFrom(sql, "users", rowsOf(sql, keys, columns), "m.id = w.id", { nickname_key: "w.nicknameKey" })}`
      yield* renamed(last.id)
    })
  yield* renamed("")
})

/** The fingerprints of the migrations that ran here (`MigrationFingerprints.ts`). */
const migrationFingerprints = createTable(
  "migration_fingerprints",
  "name VARCHAR(64) NOT NULL PRIMARY KEY, fingerprint VARCHAR(22) NOT NULL"
)

export const migrations = {
  "0001_accounts": accounts,
  "0002_conversations": conversations,
  "0003_blocks": blocks,
  "0004_versions": versions,
  "0005_process_leases": processLeases,
  "0006_rising_times": risingTimes,
  "0007_contacts": contacts,
  "0008_presence": presence,
  "0009_groups": groups,
  "0010_changes": changes,
  "0011_conversation_lists": conversationLists,
  "0012_repeatable_refreshes": repeatableRefreshes,
  "0013_folded_nicknames": foldedNicknames,
  "0014_readable_messages": readableMessages,
  "0015_validity_of_leases": validityOfLeases,
  "0016_store_terms": storeTerms,
  "0017_migration_fingerprints": migrationFingerprints,
  "0018_privacy_settings": privacySettings,
  "0019_ways_into_groups": waysIntoGroups,
  "0020_refused_drafts": refusedDrafts,
  "0021_delivery_gaps": deliveryGaps
}
