/** The words of the HTTP API: what each field and parameter means, with an example, for its OpenAPI document. */

/** A meaning, and a value as it may come; `null` and empty values are no examples. */
type Word = readonly [meaning: string, example: unknown]

const ann = "152345678901234560"
const bob = "152345678901234561"
const aGroup = "152345678901234700"
const aMoment = 1_798_761_600_000
const audience = "`nobody`, `friends`, `contacts` or `everyone`"

/** By the name of the field; one that means something else in a schema or as a parameter stands below. */
const words: Readonly<Record<string, Word>> = {
  after: ["The page begins after this one: the `next`, or the last `id`, of the page before", ann],
  addToGroups: [`The users who bring this user into groups at once: ${audience}`, "contacts"],
  avatar: ["The address of a picture", "https://example.org/ann.png"],
  awaitsUser: ["Whether the user decides on the request; otherwise the managers", true],
  before: ["The `id` with which the page before ended", "152345678901234800"],
  beforeSeq: ["Messages before this seq", 120],
  afterSeq: ["Messages after this seq", 100],
  chatType: ["0 group, 1 single", 1],
  clientId: ["The sender's own id of a message: (sender, id) names one message for ever", "6b1f0f0e"],
  code: ["200, or the number of the error", 200],
  conversationId: ["A conversation: two user ids joined by `_`, the smaller first, or a group's id", `${ann}_${bob}`],
  conversationList: ["Conversations by their ids", {}],
  count: ["How many", 50],
  createdAt: ["Unix milliseconds", aMoment],
  createdBy: ["The manager who has made it", ann],
  data: ["The answer", {}],
  deviceId: ["The device of the login: letters, digits and `._:-`", "phone-1"],
  edited: ["Whether the content is a later one", true],
  endSendTime: ["Messages after this time, Unix milliseconds", aMoment - 86_400_000],
  expire: ["When the token ends, Unix seconds", 1_798_768_800],
  expiresAt: ["When it ends, Unix milliseconds", aMoment + 604_800_000],
  findById: [`The users who find this user by the id: ${audience}`, "everyone"],
  findByName: [`The users who find this user by the beginning of the nickname: ${audience}`, "everyone"],
  findByPhone: [`The users who find this user by the phone number: ${audience}`, "everyone"],
  friendReqId: ["A friend request", "152345678901234800"],
  friendUid: ["The friend", bob],
  groupId: ["A group", aGroup],
  groupName: ["The group's name, for the user whom somebody wants to bring in", "Climbing"],
  groupReqId: ["A request to join a group", "152345678901234801"],
  handleResult: ["1 waiting, 2 passed, 3 refused, 4 cancelled", 2],
  handleTime: ["When it was responded to, Unix milliseconds", aMoment],
  handleUserId: ["The user who has responded", ann],
  icon: ["The address of a picture", "https://example.org/climbing.png"],
  id: ["The id", ann],
  ids: ["Ids of users, separated by commas", `${ann},${bob}`],
  invitation: ["An invitation to a group", {}],
  inviterUserId: ["The user who has asked", ann],
  isShow: ["Whether the conversation is in the list", true],
  isVerify: ["Whether a manager must approve whom other members bring in", false],
  joinedSeq: ["The caller sees the messages after this seq", 0],
  list: ["One page of them", []],
  memberCount: ["How many members the group has", 12],
  mobile: ["The phone number in E.164, where its owner shows it", "+33612345678"],
  msg: ["What happened, in words", null],
  msgContent: ["The text, or the JSON of other types; empty once recalled", "Hello"],
  msgId: ["A message", "152345678901235000"],
  msgType: [
    "0 text, 1 image, 2 file, 3 audio, 4 video, 5 location, 6 custom, 7 system, 8 recall, 9 edit, 10 reaction",
    0
  ],
  muted: ["Whether its user wants no notifications", false],
  name: ["The name of a group", "Climbing"],
  next: ["Where the next page begins: its `after`", "42.1"],
  nickname: ["The name that others see", "Ann"],
  onlineList: ["Whether each user is online, by id", { [bob]: true }],
  own: ["Whether it is among them the caller's", false],
  password: ["At least 8 characters", "correct horse battery"],
  phone: ["A phone number in E.164, or a national one of the server's region", "+33612345678"],
  pinned: ["Whether the conversation is pinned", false],
  platform: ["The kind of device", "ios"],
  reaction: ["A short text, such as an emoji", "👍"],
  reactions: ["How many have each reaction", []],
  read: ["The caller has read up to this seq", 118],
  reads: ["The users who have read it", [bob]],
  recalled: ["Whether its sender has taken it back", true],
  recvId: ["The receiver: a user, or the group", bob],
  refreshToken: ["Gives the next tokens, once", "nYH1…"],
  reqMsg: ["The requester's words", "It's me, from the climbing hall"],
  reqTime: ["When it was asked, Unix milliseconds", aMoment],
  reqUid: ["The user who asks", ann],
  requests: ["Requests that wait for a response", []],
  roleLevel: ["1 owner, 2 manager, 3 member", 3],
  sendId: ["The sender", ann],
  sendTime: ["When the server took it, Unix milliseconds", aMoment],
  seq: ["The number of the message in its conversation: 1, 2, 3 …", 119],
  sex: ["0 unknown, 1 male, 2 female", 0],
  showPhone: [`The users who see the phone number: ${audience}`, "friends"],
  showPresence: [`The users who see whether this user is online: ${audience}`, "friends"],
  startSendTime: ["Messages up to this time, Unix milliseconds", aMoment],
  status: ["`ok`", "ok"],
  store: ["Whether the database answers", "ok"],
  targetId: ["The other user, or the group", bob],
  targetSeq: ["The message that this one changes", 117],
  token: ["The access token: `Authorization: Bearer …`", "eyJhbGciOiJIUzI1NiJ9…"],
  total: ["The seq of the last message", 120],
  transfer: ["Whether the queue of drafts answers", "ok"],
  unReads: ["The users who have not read it", []],
  unread: ["Messages of types 0 to 6 after `read` that were not recalled", 2],
  userAvatarUrl: ["The address of a picture", "https://example.org/bob.png"],
  userId: ["A user", bob],
  userIds: ["Users", [bob]],
  users: ["The users who were found", []],
  uses: ["How many have joined by it", 3],
  usesMax: ["How many join by it", 100],
  validFor: ["How long it is good, in milliseconds", 604_800_000]
}

/** Fields of one schema, `Schema.field`, and parameters of a query, `?name`. */
const special: Readonly<Record<string, Word>> = {
  "?code": ["The code of an invitation", "RSop7V5RJS2IvLMWEQAxFA"],
  "?count": ["At most so many; without it 100", 50],
  "?id": ["The invitation's id", "5047252280916222987"],
  "?name": ["The beginning of a nickname, in any case", "an"],
  "GroupInvitation.code": ["Whoever has it joins", "RSop7V5RJS2IvLMWEQAxFA"],
  "ConversationEntry.msg": ["The last message, recalls, edits and reactions left out", null],
  "ConversationEntry.seq": ["The seq of the last message", 120],
  "FriendRequest.userId": ["The user who is asked", bob],
  "GroupRequestEntry.userId": ["The user who is to join", bob]
}

/** The meaning of a field, in this schema where it has a name. */
export const meaningOf = (field: string, schema = ""): Word | undefined => special[`${schema}.${field}`] ?? words[field]

/** The meaning of a parameter. */
export const meaningOfParameter = (name: string): Word | undefined => special[`?${name}`] ?? words[name]

/** Every entry, for a test that each is needed: as {@link meaningOf} and {@link meaningOfParameter} find it. */
export const glossary: ReadonlyArray<Word> = [...Object.values(words), ...Object.values(special)]
