/** Every suite of what is stored, against one database. */
import { Layer } from "effect"
import type { SqlClient } from "effect/sql"
import * as ContactsSql from "../../src/layers/ContactsSql.ts"
import * as ConversationsSql from "../../src/layers/ConversationsSql.ts"
import * as MessageStoreSql from "../../src/layers/MessageStoreSql.ts"
import * as SessionsSql from "../../src/layers/SessionsSql.ts"
import type { Settings } from "../../src/layers/Settings.ts"
import * as UserRepositorySql from "../../src/layers/UserRepositorySql.ts"
import { contactsSuite, sessionsSuite, userRepositorySuite } from "./accountsSuite.ts"
import { conversationsSuite } from "./conversationsSuite.ts"
import { idsSuite } from "./idsSuite.ts"
import { messageStoreSuite } from "./messageStoreSuite.ts"
import { presenceSuite } from "./presenceSuite.ts"

/** `database` is empty each time that it is made. */
export const storeSuites = <E>(name: string, database: Layer.Layer<SqlClient.SqlClient | Settings, E>) => {
  const layer = Layer.mergeAll(
    MessageStoreSql.layer,
    ConversationsSql.layer,
    UserRepositorySql.layer,
    SessionsSql.layer,
    ContactsSql.layer
  ).pipe(Layer.provide(database))
  messageStoreSuite(name, layer)
  conversationsSuite(name, layer)
  userRepositorySuite(name, layer)
  sessionsSuite(name, layer)
  contactsSuite(name, layer)
  idsSuite(name, database)
  presenceSuite(name, database)
}
