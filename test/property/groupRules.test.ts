/** Rights in a group, over random states and lives of groups (protocol.md sections 1.6 and 2.2). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { type GroupEvent, groupMembersMax, Role } from "../../src/domain/groups/Group.ts"
import {
  decideGroup,
  type GroupDecision,
  type GroupView,
  type PendingRequest,
  type RoleChange
} from "../../src/domain/groups/GroupRules.ts"
import { groupEventRefusals } from "../../src/domain/messages/Refusals.ts"
import type { ErrorName } from "../../src/domain/shared/ErrorTable.ts"
import { type AnyFailure, failure, isFailure } from "../../src/domain/shared/Failure.ts"
import type { UserId } from "../../src/domain/shared/Ids.ts"
import { occurrences } from "../support/Occurrences.ts"

const runs = 1_000
/** For the users below, in a group that has many other members. */
const placesLeft = 3
const users = ["1", "2", "3", "4", "5"]
/** "9" does not exist, and has nothing to do with the rest of what is random. */
const User = Schema.Literals(["1", "2", "3", "4", "5"])
const Anybody = Schema.Literals(["1", "2", "3", "4", "5", "2", "3", "4", "5", "9"])
/** Mostly one: with each more it is less likely that all of them may be named. */
const Named = Schema.Union([
  Schema.Tuple([Anybody]),
  Schema.Tuple([Anybody]),
  Schema.Array(Anybody).check(Schema.isBetweenLength(1, 3))
])

const Action = Schema.Struct({
  /** The owner, and the user most likely to be a manager, may most. */
  sender: Schema.Literals(["1", "1", "1", "2", "2", "3", "4", "5"]),
  event: Schema.Union([
    Schema.Struct({ event: Schema.Literal("created"), isVerify: Schema.Boolean, userIds: Named }),
    Schema.Struct({ event: Schema.Literal("joined"), userIds: Named }),
    Schema.Struct({ event: Schema.Literal("joined"), userIds: Named, invitation: Schema.Literals(["71", "71", "72"]) }),
    Schema.Struct({ event: Schema.Literal("joined"), userIds: Named, asked: Schema.Boolean }),
    Schema.Struct({ event: Schema.Literal("joined"), userIds: Named, asked: Schema.Literal(true) }),
    Schema.Struct({ event: Schema.Literal("left") }),
    Schema.Struct({ event: Schema.Literal("removed"), userIds: Named }),
    Schema.Struct({ event: Schema.Literal("removed"), userIds: Named }),
    Schema.Struct({ event: Schema.Literal("role"), userId: User, role: Schema.Literals([1, 1, 2, 2, 3]) }),
    Schema.Struct({ event: Schema.Literal("changed"), isVerify: Schema.Boolean })
  ])
})
/** Joining alone, which hardly comes of names at random: an event, and the sender for its users. */
const Alone = Schema.Struct({
  sender: Schema.Literals(["3", "4", "4", "5", "5"]),
  event: Schema.Union([
    Schema.Struct({ event: Schema.Literal("joined"), asked: Schema.Literal(true) }),
    Schema.Struct({ event: Schema.Literal("joined"), invitation: Schema.Literals(["71", "71", "72"]) }),
    Schema.Struct({ event: Schema.Literal("joined") })
  ])
})
const Pairs = Schema.Array(Schema.Tuple([User, User])).check(Schema.isMaxLength(2))
const Life = Schema.Struct({
  /** Not founded yet, left by everybody, or with user 1 as its owner. */
  state: Schema.Literals(["none", "empty", "full", "full", "full", "full", "full", "full"]),
  isVerify: Schema.Boolean,
  /** Of the users from 2 on. */
  roles: Schema.Tuple([
    Schema.Literals([0, 2, 2]),
    Schema.Literals([0, 2, 3]),
    Schema.Literals([0, 0, 3]),
    Schema.Literals([0, 0, 3])
  ]),
  actions: Schema.Array(Schema.Union([Action, Action, Alone])).check(Schema.isBetweenLength(4, 16)),
  /** The requesting users and those they ask for, repeatedly; and whether these decide. */
  asking: Schema.Array(Schema.Tuple([User, User, Schema.Boolean])).check(Schema.isBetweenLength(1, 6)),
  /** Users who let nobody bring them in. */
  shut: Schema.Array(Schema.Literals(["3", "4", "5"])).check(Schema.isMaxLength(2)),
  barriers: Pairs
})

/** A group in memory: what the decisions make of it. */
class Group {
  exists = false
  isVerify = false
  readonly roles = new Map<string, Role>()
  private readonly asking: ReadonlyMap<string, PendingRequest>
  private readonly shut: ReadonlySet<string>
  private readonly barriers: ReadonlySet<string>
  /** Members of whom nothing else is known. */
  private readonly others: number

  constructor(life: typeof Life.Type, others = 0) {
    this.asking = new Map(
      life.asking.map(([inviter, userId, awaitsUser]) => [
        userId,
        { inviterId: inviter as UserId, awaitsUser: awaitsUser && inviter !== userId }
      ])
    )
    this.shut = new Set(life.shut)
    this.barriers = new Set(life.barriers.flatMap(([a, b]) => (a === b ? [] : [`${a}/${b}`, `${b}/${a}`])))
    this.others = others
    this.exists = life.state !== "none"
    this.isVerify = this.exists && life.isVerify
    if (life.state !== "full") return
    this.roles.set("1", Role.owner)
    for (const [index, role] of life.roles.entries()) this.roles.set(users[index + 1]!, role)
  }

  roleOf = (userId: string): Role => this.roles.get(userId) ?? Role.former
  isBarred = (a: string, b: string): boolean => this.barriers.has(`${a}/${b}`)
  requestFor = (userId: string): PendingRequest | undefined => this.asking.get(userId)
  /** Whether a member brings this user in at once. */
  isOpen = (userId: string): boolean => !this.shut.has(userId) || this.requestFor(userId)?.inviterId === userId
  members = (): ReadonlyArray<string> => users.filter((userId) => this.roleOf(userId) !== Role.former)

  view(): GroupView {
    return {
      exists: this.exists,
      isVerify: this.isVerify,
      memberCount: this.members().length === 0 ? 0 : this.members().length + this.others,
      roleOf: this.roleOf,
      isUser: (userId) => users.includes(userId),
      checkContact: (a, b) => (this.isBarred(a, b) ? Result.fail(failure("Blocked")) : Result.void),
      admits: (userId) => !this.shut.has(userId),
      requestFor: this.requestFor,
      isInvitationGood: (id) => id === "71"
    }
  }

  apply({ event, roles }: GroupDecision): void {
    this.exists = true
    if (event.event === "created" || event.event === "changed") this.isVerify = event.isVerify ?? this.isVerify
    for (const { userId, role } of roles) this.roles.set(userId, role)
  }
}

type Decided = ReadonlyArray<RoleChange> | AnyFailure
type EventKind = GroupEvent["event"]

/** A decision, and the roles of all users before it. */
interface Step {
  readonly group: Group
  readonly event: GroupEvent
  /** The event that takes place. */
  readonly narrowed: GroupEvent
  readonly sender: UserId
  readonly decided: Decided
  readonly before: ReadonlyMap<string, Role>
  readonly wasVerify: boolean
  readonly existed: boolean
}

/** Has a group live, and calls `check` after each step. */
const live = (life: typeof Life.Type, check: (step: Step) => void, others = 0) => {
  const group = new Group(life, others)
  for (const action of life.actions) {
    const sender = action.sender as UserId
    const event = { userIds: [sender], ...action.event } as GroupEvent
    const before = new Map(users.map((userId) => [userId, group.roleOf(userId)]))
    const { isVerify: wasVerify, exists: existed } = group
    const result = decideGroup(event, sender, group.view())
    if (Result.isSuccess(result)) group.apply(result.success)
    const decided: Decided = Result.isSuccess(result) ? result.success.roles : result.failure
    const narrowed = Result.isSuccess(result) ? result.success.event : event
    check({ group, event, narrowed, sender, decided, before, wasVerify, existed })
  }
}

const property = (name: string, check: (step: Step) => void, others?: number) =>
  it.effect.prop(name, [Life], ([life]) => Effect.sync(() => live(life, check, others)), { arbitrary: { runs } })

const isRefused = (decided: Decided): decided is AnyFailure => isFailure(decided)
const roleIn = ({ before }: Step, userId: string): Role => before.get(userId) ?? Role.former
const isStranger = (step: Step): boolean => roleIn(step, step.sender) === Role.former
const isManaging = (step: Step): boolean => [1, 2].includes(roleIn(step, step.sender))

describe("the rules of groups", () => {
  const seen = occurrences("groups", {
    "a request is approved": 25,
    "a user accepts to be brought in": 5,
    "a user accepts, and a manager must approve": 2,
    "an approval is refused: it was not asked for, or is barred meanwhile": 100,
    "a manager brings a user in": 60,
    "a user decides themselves": 20,
    "a user joins by an invitation": 12,
    "a manager removes a member": 15,
    "the owner hands the group over": 15,
    "a group is founded": 30,
    "a group ends with its last member": 2
  })

  property("keep exactly one owner for as long as there are members, and let nobody into a group without", (step) => {
    const members = step.group.members()
    const owners = members.filter((userId) => step.group.roleOf(userId) === Role.owner)
    assert.strictEqual(owners.length, Math.min(members.length, 1))
    const wasEmpty = step.existed && [...step.before.values()].every((role) => role === Role.former)
    if (!wasEmpty) return
    const expected = step.event.event === "created" ? "Conflict" : "NoConversation"
    assert.isTrue(isRefused(step.decided) && step.decided._tag === expected)
  })

  property(
    "let nobody change anybody of equal or higher rank, nor themselves but by leaving or handing over",
    (step) => {
      if (isRefused(step.decided)) return
      for (const { userId, role } of step.decided) {
        const [own, others] = [roleIn(step, step.sender), roleIn(step, userId)]
        if (others === Role.former) continue
        if (userId !== step.sender) assert.isBelow(own, others)
        else if (step.event.event !== "left") {
          assert.deepStrictEqual([step.event.event, own, role], ["role", Role.owner, Role.manager])
        }
      }
    }
  )

  property("hide a group from strangers, who may only try to join by themselves", (step) => {
    if (!isStranger(step)) return
    const { event, decided, sender } = step
    if (event.event === "created") {
      if (step.existed) assert.isTrue(isRefused(decided) && decided._tag === "Conflict")
      return
    }
    const isAlone = event.event === "joined" && event.userIds.every((userId) => userId === sender)
    if (!step.existed || !isAlone) assert.isTrue(isRefused(decided) && decided._tag === "NoConversation")
  })

  property("make members in four ways only, each of them once and with the right to, and tell of no others", (step) => {
    if (isRefused(step.decided)) return
    const { event, narrowed, sender, decided, group } = step
    assert.strictEqual(new Set(decided.map(({ userId }) => userId)).size, decided.length)
    const newcomers = decided.filter(({ userId, role }) => role !== Role.former && roleIn(step, userId) === Role.former)
    if (narrowed.event === "created" || narrowed.event === "joined") {
      const ids = newcomers.map(({ userId }) => userId)
      const told = new Set(narrowed.userIds.filter((userId) => roleIn(step, userId) === Role.former))
      if (narrowed.event === "created") told.add(sender)
      assert.sameMembers(ids, [...told])
      assert.deepStrictEqual({ ...narrowed, userIds: [] }, { ...event, userIds: [] } as typeof narrowed)
    } else assert.deepStrictEqual(narrowed, event)
    for (const { userId, role } of newcomers) {
      assert.include(users, userId)
      if (event.event === "created") {
        assert.strictEqual(role, userId === sender ? Role.owner : Role.member)
        assert.isTrue(userId === sender || (group.isOpen(userId) && !group.isBarred(sender, userId)))
        continue
      }
      assert.strictEqual(role, Role.member)
      if (event.event !== "joined") return assert.fail(`${event.event} makes a member`)
      const request = group.requestFor(userId)
      if (event.asked === true) {
        assert.isDefined(request)
        assert.strictEqual(request.awaitsUser, userId === sender)
        assert.isFalse(group.isBarred(request.inviterId, userId))
        const inviterRole = roleIn(step, request.inviterId)
        if (userId !== sender) assert.isTrue(isManaging(step))
        else assert.isTrue(inviterRole !== Role.former && (!step.wasVerify || inviterRole < Role.member))
      } else if (event.invitation !== undefined) {
        assert.deepStrictEqual([userId, event.invitation as string], [sender, "71"])
      } else {
        assert.isTrue(!isStranger(step) && (!step.wasVerify || isManaging(step)))
        assert.isTrue(group.isOpen(userId) && !group.isBarred(sender, userId))
      }
    }
  })

  property("take what is in order: joining alone, leaving, removing a lower rank, giving a role", (step) => {
    const { event, sender, decided, group, before } = step
    const role = roleIn(step, sender)
    const changed = isRefused(decided) ? [] : decided.map(({ userId, role }) => [userId, role])
    const isLast = [...before.values()].filter((role) => role !== Role.former).length === 1
    const hasMembers = [...before.values()].some((role) => role !== Role.former)
    if (event.event === "left" && role !== Role.former && (role !== Role.owner || isLast)) {
      assert.deepStrictEqual(changed, [[sender, Role.former]])
    }
    const isInvited = event.event === "joined" && event.invitation === ("71" as string)
    if (isInvited && hasMembers && role === Role.former && event.userIds.every((userId) => userId === sender)) {
      assert.deepStrictEqual(changed, [[sender, Role.member]])
    }
    if (event.event === "removed" && isManaging(step) && event.userIds.every((id) => roleIn(step, id) > role)) {
      assert.deepStrictEqual(
        changed,
        [...new Set(event.userIds)].map((userId) => [userId, Role.former])
      )
    }
    if (event.event === "changed" && isManaging(step)) assert.strictEqual(group.isVerify, event.isVerify)
    if (event.event === "changed" && role === Role.member)
      assert.isTrue(isRefused(decided) && decided._tag === "Forbidden")
    if (event.event === "role" && role === Role.owner && event.userId !== sender) {
      const had = roleIn(step, event.userId)
      if (had === Role.former || had === event.role) assert.isTrue(isRefused(decided))
      else {
        const handedOver = event.role === Role.owner ? [[sender, Role.manager]] : []
        assert.deepStrictEqual(changed, [...handedOver, [event.userId, event.role]])
      }
    }
  })

  property("take an approval by a manager of requests that await one, and no other", (step) => {
    const { event, decided, group } = step
    seen.run()
    if (event.event !== "joined" || event.asked !== true || !step.existed || isStranger(step)) return
    const newcomers = [...new Set(event.userIds)].filter((userId) => roleIn(step, userId) === Role.former)
    const areWelcome = newcomers.every((userId) => {
      const request = group.requestFor(userId)
      return request !== undefined && !request.awaitsUser && !group.isBarred(request.inviterId, userId)
    })
    const expected = !isManaging(step)
      ? "Forbidden"
      : newcomers.length === 0
        ? "Conflict"
        : areWelcome
          ? newcomers.map((userId) => ({ userId, role: Role.member }))
          : "NoRequest"
    assert.deepStrictEqual(isRefused(decided) ? decided._tag : decided, expected)
    seen.saw("a request is approved", !isRefused(decided))
    seen.saw("an approval is refused: it was not asked for, or is barred meanwhile", expected === "NoRequest")
  })

  property("take the acceptance of a user whom a member wants to bring in, and could", (step) => {
    const { event, decided, group, sender } = step
    const hasMembers = [...step.before.values()].some((role) => role !== Role.former)
    if (event.event !== "joined" || event.asked !== true || !hasMembers || !isStranger(step)) return
    if (!event.userIds.every((userId) => userId === sender)) return
    const request = group.requestFor(sender)
    const inviterRole = request === undefined ? Role.former : roleIn(step, request.inviterId)
    const expected =
      request?.awaitsUser !== true || group.isBarred(request.inviterId, sender)
        ? "NoRequest"
        : inviterRole === Role.former || (step.wasVerify && inviterRole === Role.member)
          ? "Forbidden"
          : [{ userId: sender, role: Role.member }]
    assert.deepStrictEqual(isRefused(decided) ? decided._tag : decided, expected)
    seen.saw("a user accepts to be brought in", !isRefused(decided))
    seen.saw("a user accepts, and a manager must approve", expected === "Forbidden")
  })

  property("take a member's bringing in of users who may be brought in, and leave out those who decide", (step) => {
    const { event, decided, group, sender } = step
    if (event.event !== "joined" || event.asked === true || event.invitation !== undefined) return
    if (!step.existed || isStranger(step)) return
    if (step.wasVerify && !isManaging(step)) {
      return assert.isTrue(isRefused(decided) && decided._tag === "Forbidden")
    }
    const newcomers = [...new Set(event.userIds)].filter((userId) => roleIn(step, userId) === Role.former)
    const first = newcomers.find((userId) => !users.includes(userId) || group.isBarred(sender, userId))
    const open = newcomers.filter(group.isOpen)
    const joining = open.length === 0 ? "Forbidden" : open.map((userId) => ({ userId, role: Role.member }))
    const problem = first !== undefined && users.includes(first) ? "Blocked" : "UserNotFound"
    const expected = newcomers.length === 0 ? "Conflict" : first === undefined ? joining : problem
    assert.deepStrictEqual(isRefused(decided) ? decided._tag : decided, expected)
    seen.saw("a manager brings a user in", !isRefused(decided) && isManaging(step))
    seen.saw("a user decides themselves", first === undefined && open.length < newcomers.length)
  })

  property("let who only knows the group's id ask, and no more", (step) => {
    const { event, decided } = step
    const hasMembers = [...step.before.values()].some((role) => role !== Role.former)
    if (event.event !== "joined" || !isStranger(step) || !hasMembers) return
    if (event.asked === true || !event.userIds.every((userId) => userId === step.sender)) return
    if (event.invitation === undefined) assert.isTrue(isRefused(decided) && decided._tag === "Forbidden")
    else if (event.invitation !== ("71" as string))
      assert.isTrue(isRefused(decided) && decided._tag === "BadInvitation")
  })

  property("are tried in every way", (step) => {
    const { event, decided, sender, group } = step
    if (isRefused(decided)) return
    seen.saw("a user joins by an invitation", event.event === "joined" && event.invitation !== undefined)
    seen.saw("a manager removes a member", event.event === "removed" && roleIn(step, sender) === Role.manager)
    seen.saw("the owner hands the group over", event.event === "role" && event.role === Role.owner)
    seen.saw("a group is founded", event.event === "created")
    seen.saw("a group ends with its last member", event.event === "left" && group.members().length === 0)
  })
  seen.check()

  property("remove nobody whom they name besides the members: who is told of it was one", (step) => {
    if (step.event.event !== "removed" || isRefused(step.decided)) return
    for (const userId of step.event.userIds) assert.notStrictEqual(roleIn(step, userId), Role.former)
  })

  property(
    "let in as many members as there may be, and not one more",
    (step) => {
      if (step.event.event !== "joined" || step.existed !== true) return
      const had = [...step.before.values()].filter((role) => role !== Role.former).length
      const isNew = (userId: string) => roleIn(step, userId) === Role.former
      const newcomers = new Set((step.narrowed as typeof step.event).userIds.filter(isNew)).size
      if (isRefused(step.decided)) {
        if (step.decided._tag === "GroupFull") assert.isAbove(had + newcomers, placesLeft)
      } else assert.isAtMost(had + newcomers, placesLeft)
    },
    groupMembersMax - placesLeft
  )

  /** Declared for other reasons than these rules: an id that names something else; users who must be friends. */
  const isElsewhere = (kind: EventKind, error: ErrorName): boolean =>
    error === "NotFriends" || (error === "Conflict" && !["created", "joined", "role"].includes(kind))
  const declared = Object.entries(groupEventRefusals).flatMap(([kind, errors]) =>
    errors.flatMap((error) => (isElsewhere(kind as EventKind, error) ? [] : [`${kind}: ${error}`]))
  )
  const refused = occurrences("refusals of group events", Object.fromEntries(declared.map((name) => [name, 1])))
  it.effect.prop(
    "refuse an event with the errors that its kind declares, each of which occurs",
    [Life, Schema.Boolean],
    ([life, isFull]) =>
      Effect.sync(() =>
        live(
          life,
          ({ event, decided }) => {
            refused.run()
            if (!isRefused(decided)) return
            assert.include(declared, `${event.event}: ${decided._tag}`)
            refused.saw(`${event.event}: ${decided._tag}`)
          },
          isFull ? groupMembersMax - placesLeft : 0
        )
      ),
    // A block among the first members of a group is rare.
    { arbitrary: { runs: 3 * runs } }
  )
  refused.check()

  it("refuse a founder who is no user, as a service may name one, and found nothing", () => {
    const nobodyYet = {
      state: "none",
      isVerify: false,
      roles: [0, 0, 0, 0],
      actions: [],
      asking: [],
      barriers: [],
      shut: []
    }
    const group = new Group(nobodyYet as unknown as typeof Life.Type)
    const founding: GroupEvent = { event: "created", name: "", icon: "", isVerify: false, userIds: ["2" as UserId] }
    const tagOf = (sender: string) => {
      const result = decideGroup(founding, sender as UserId, group.view())
      return Result.isFailure(result) ? result.failure._tag : "founded"
    }
    assert.deepStrictEqual([tagOf("404"), tagOf("1")], ["UserNotFound", "founded"])
  })
})
