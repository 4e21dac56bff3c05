/** Everything that other services can call at `/rpc` (protocol.md section 3.1); a typed client is made from it. */
import { AccountRpcs } from "./AccountRpc.ts"
import { ConversationRpcs } from "./ConversationRpc.ts"
import { GroupRpcs } from "./GroupRpc.ts"

export const ServiceRpcs = AccountRpcs.merge(ConversationRpcs, GroupRpcs)
