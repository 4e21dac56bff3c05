"""Two users chat with a client that openapi-python-client has made: `python chat.py http://127.0.0.1:5555`."""

import json
import random
import sys

from websockets.sync.client import connect

from fiberchat import AuthenticatedClient, Client
from fiberchat.api.accounts import account_register
from fiberchat.api.conversations import im_chatlog, im_conversations
from fiberchat.api.users import user_detail, user_find
from fiberchat.models import AccountRegisterBody

url = sys.argv[1]


def registered(name: str) -> tuple[AuthenticatedClient, str, str]:
    body = AccountRegisterBody(
        phone=f"+336{random.randrange(30_000_000):08}", password="a long password", nickname=name
    )
    token = account_register.sync(client=Client(url), body=body).data.token
    client = AuthenticatedClient(url, token)
    return client, user_detail.sync(client=client).data.info.id, token


ann, ann_id, ann_token = registered("Ann")
bob, bob_id, _ = registered("Bob")
found = user_find.sync(client=ann, ids=bob_id).data.users
assert [user.nickname for user in found] == ["Bob"], found

with connect(url.replace("http", "ws") + "/ws", additional_headers={"Authorization": f"Bearer {ann_token}"}) as socket:
    assert json.loads(socket.recv())["method"] == "session.ready"
    message = {"messageType": 0, "content": "Hello, Bob 👋"}
    data = {"chatType": 1, "receiveId": bob_id, "message": message}
    socket.send(json.dumps({"id": "1", "method": "conversation.chat", "data": data}))
    ack = json.loads(socket.recv())
    assert ack["frameType"] == 2, ack

conversation_id = ack["data"]["conversationID"]
[stored] = im_chatlog.sync(client=bob, conversation_id=conversation_id, count=10).data.list_
assert (stored.msg_content, stored.send_id, stored.send_time) == (
    message["content"],
    ann_id,
    ack["data"]["sendTime"],
), stored
entry = im_conversations.sync(client=bob).data.conversation_list[conversation_id]
assert entry.unread == 1, entry
missing = im_chatlog.sync(client=bob, conversation_id="1_2")
assert missing.code == 300001, missing
print("python: ok")
