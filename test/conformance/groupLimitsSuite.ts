/** How much there may be of groups, members and requests, and how they are listed, whatever is below {@link Groups}. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SqlClient } from "effect/sql"
import { groupMembersMax } from "../../src/domain/groups/Group.ts"
import { groupRequestPageMax, groupRequestsPendingMax } from "../../src/domain/groups/GroupRequest.ts"
import { Groups, groupPageMax } from "../../src/domain/groups/Groups.ts"
import type { ConversationId } from "../../src/domain/shared/ConversationIds.ts"
import { HandleResult } from "../../src/domain/shared/Request.ts"
import {
  append,
  created,
  errorOf,
  eventDraft,
  founded,
  given,
  groupId,
  idOf,
  insertInvitation,
  insertRows,
  joined,
  joinedBy,
  memberRows,
  removed,
  request,
  requestIdOf,
  type StoreServices
} from "../support/StoredGroups.ts"
import { insertUsers } from "../support/StoredUsers.ts"

const { none, refuse } = HandleResult

/** A request of somebody of whom nothing else is known. */
const requestRow = (id: number) => ({
  id: String(id),
  group_id: groupId,
  user_id: String(1_000_000 + id),
  inviter_id: String(1_000_000 + id),
  message: "",
  requested_at: 1,
  handle_result: none as HandleResult
})

export const groupLimitsSuite = <E>(name: string, layer: Layer.Layer<StoreServices, E>) =>
  describe(`how many groups there are on ${name}`, () => {
    it.effect("show requests to managers only, page by page", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded(["2"])
        const rows = Array.from({ length: groupRequestPageMax + 5 }, (_, index) => requestRow(5_000 + index))
        yield* insertRows("group_requests", rows)
        assert.strictEqual(yield* errorOf(groups.requests(idOf("2"), groupId, undefined)), "Forbidden")
        assert.strictEqual(yield* errorOf(groups.requests(idOf("10"), groupId, undefined)), "NoConversation")
        yield* append(eventDraft("1", given("2", 2)))
        const first = yield* groups.requests(idOf("2"), groupId, undefined)
        assert.strictEqual(first.length, groupRequestPageMax)
        const second = yield* groups.requests(idOf("2"), groupId, first.at(-1)?.id)
        assert.deepStrictEqual(
          [...first, ...second].map(({ id }) => id),
          rows.map(({ id }) => id).toReversed()
        )
        yield* insertRows("group_requests", [{ ...requestRow(4_999), group_id: "404" }])
        for (const id of ["4999", "404"])
          assert.strictEqual(yield* errorOf(groups.requests(idOf("2"), groupId, requestIdOf(id))), "NoRequest")
      }).pipe(Effect.provide(layer))
    )

    it.effect("have at most a thousand requests pending, whoever asks at the same time", () =>
      Effect.gen(function* () {
        const { groups, resultOf } = yield* founded([])
        const rows = Array.from({ length: groupRequestsPendingMax - 1 }, (_, index) => requestRow(5_000 + index))
        yield* insertRows("group_requests", [...rows, { ...requestRow(4_999), handle_result: refuse }])
        const results = yield* Effect.all(
          [request("1", "2"), request("2", "10")].map((one) => Effect.result(groups.addRequests([one]))),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(results.filter(({ _tag }) => _tag === "Success").length, 1)
        yield* groups.close(requestIdOf("5000"), refuse, idOf("1"), 9)
        const isFirstIn = (yield* resultOf("1")) === none
        yield* groups.addRequests([isFirstIn ? request("3", "10") : request("3", "2")])
      }).pipe(Effect.provide(layer))
    )

    it.effect("have a last place, which is taken once", () =>
      Effect.gen(function* () {
        const { groups } = yield* founded([], false)
        yield* insertRows("conversation_members", memberRows(groupId, groupMembersMax - 2))
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE groups_ SET member_count = ${groupMembersMax - 1}`
        const id = yield* insertInvitation()
        const both = yield* Effect.all(
          ["2", "10"].map((userId) => append(eventDraft(userId, joinedBy(id, userId)))),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(both.flat(), ["Stored 2", "GroupFull"])
        assert.strictEqual((yield* groups.audience(groupId)).members.length, groupMembersMax)
        yield* append(eventDraft("1", removed("1000000")))
        assert.deepStrictEqual(yield* append(eventDraft("1", joined("2", "10"))), ["Stored 4"])
      }).pipe(Effect.provide(layer))
    )

    it.effect("are listed page by page", () =>
      Effect.gen(function* () {
        yield* insertUsers
        const ids = Array.from({ length: groupPageMax + 2 }, (_, index) => String(1_000 + index))
        const drafts = ids.map((id) => eventDraft("1", created([]), { conversationId: id as ConversationId }))
        yield* append(...drafts)
        const groups = yield* Groups
        const first = yield* groups.list(idOf("1"), undefined)
        const second = yield* groups.list(idOf("1"), first.at(-1)?.id)
        assert.strictEqual(first.length, groupPageMax)
        assert.deepStrictEqual(
          [...first, ...second].map(({ id }) => id as string),
          ids
        )
      }).pipe(Effect.provide(layer))
    )
  })
