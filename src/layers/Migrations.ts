/** The database schema, as numbered steps that run once each, in order, at start. A step that has landed never changes. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Ids are decimal strings, times Unix milliseconds. */
const accounts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE users (
      id VARCHAR(20) NOT NULL PRIMARY KEY,
      phone VARCHAR(16) NOT NULL UNIQUE,
      password_hash VARCHAR(255) NOT NULL,
      nickname VARCHAR(64) NOT NULL,
      nickname_key VARCHAR(128) NOT NULL,
      sex INTEGER NOT NULL,
      avatar VARCHAR(1024) NOT NULL,
      created_at BIGINT NOT NULL
    )`
  yield* sql`CREATE INDEX users_nickname ON users (nickname_key)`
  yield* sql`
    CREATE TABLE refresh_tokens (
      token_hash VARCHAR(64) NOT NULL PRIMARY KEY,
      session_id VARCHAR(20) NOT NULL,
      user_id VARCHAR(20) NOT NULL,
      device_id VARCHAR(64) NOT NULL,
      platform VARCHAR(32) NOT NULL,
      created_at BIGINT NOT NULL,
      expires_at BIGINT NOT NULL,
      used_at BIGINT,
      revoked_at BIGINT
    )`
  yield* sql`CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id)`
  yield* sql`CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id, created_at)`
})

const conversations = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE conversations (
      id VARCHAR(41) NOT NULL PRIMARY KEY,
      chat_type INTEGER NOT NULL,
      last_seq BIGINT NOT NULL
    ) WITHOUT ROWID`
  // Positions are seqs: where the member joined, has read to, and last sent.
  yield* sql`
    CREATE TABLE conversation_members (
      conversation_id VARCHAR(41) NOT NULL,
      user_id VARCHAR(20) NOT NULL,
      joined_seq BIGINT NOT NULL,
      read_seq BIGINT NOT NULL,
      sent_seq BIGINT NOT NULL,
      PRIMARY KEY (conversation_id, user_id)
    ) WITHOUT ROWID`
  yield* sql`CREATE INDEX conversation_members_user ON conversation_members (user_id, conversation_id)`
  // A rowid table: messages of many conversations arrive together, and so they are appended to the same pages.
  yield* sql`
    CREATE TABLE messages (
      conversation_id VARCHAR(41) NOT NULL,
      seq BIGINT NOT NULL,
      message_id VARCHAR(20) NOT NULL,
      sender_id VARCHAR(20) NOT NULL,
      client_id VARCHAR(64) NOT NULL,
      receive_id VARCHAR(20) NOT NULL,
      chat_type INTEGER NOT NULL,
      message_type INTEGER NOT NULL,
      content TEXT NOT NULL,
      send_time BIGINT NOT NULL,
      PRIMARY KEY (conversation_id, seq)
    )`
  yield* sql`CREATE UNIQUE INDEX messages_idempotency ON messages (sender_id, client_id)`
  yield* sql`CREATE UNIQUE INDEX messages_id ON messages (message_id)`
  yield* sql`CREATE INDEX messages_time ON messages (conversation_id, send_time)`
})

const blocks = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE blocks (
      user_id VARCHAR(20) NOT NULL,
      blocked_id VARCHAR(20) NOT NULL,
      PRIMARY KEY (user_id, blocked_id)
    ) WITHOUT ROWID`
})

/** What `conversation.sync` goes by: each change carries the version of the store at which it became visible. */
const versions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const table of ["conversations", "conversation_members", "messages"]) {
    yield* sql`ALTER TABLE ${sql(table)} ADD COLUMN version BIGINT NOT NULL DEFAULT 0`
  }
  yield* sql`CREATE TABLE store_version (version BIGINT NOT NULL)`
  yield* sql`INSERT INTO store_version (version) VALUES (0)`
})

export const migrations = {
  "0001_accounts": accounts,
  "0002_conversations": conversations,
  "0003_blocks": blocks,
  "0004_versions": versions
}
