/** The port to the identity of the store, by which clients notice that they talk to another one (protocol.md section 1.1). */
import { Context } from "effect"

export class StoreIdentity extends Context.Service<
  StoreIdentity,
  {
    /** Made with the store, and kept in its backups. */
    readonly id: string
  }
>()("fiberchat/domain/StoreIdentity") {}
