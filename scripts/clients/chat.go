// Two users chat with a client that openapi-generator has made: `go run ./chat http://127.0.0.1:5555`.
package main

import (
	"context"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	fiberchat "example.org/fiberchat/client"
)

type user struct {
	client *fiberchat.APIClient
	as     context.Context
	id     string
	token  string
}

func must[A any](value A, err error) A {
	if err != nil {
		panic(err)
	}
	return value
}

func registered(url string, name string) user {
	configuration := fiberchat.NewConfiguration()
	configuration.Servers = fiberchat.ServerConfigurations{{URL: url}}
	client := fiberchat.NewAPIClient(configuration)
	phone := fmt.Sprintf("+336%08d", rand.Intn(30_000_000))
	request := fiberchat.NewAccountRegisterRequest(phone, "a long password", name)
	answer, _, err := client.AccountsAPI.AccountRegister(context.Background()).AccountRegisterRequest(*request).Execute()
	token := must(answer, err).Data.Token
	as := context.WithValue(context.Background(), fiberchat.ContextAccessToken, token)
	detail, _, err := client.UsersAPI.UserDetail(as).Execute()
	return user{client, as, must(detail, err).Data.Info.Id, token}
}

func main() {
	url := os.Args[1]
	ann, bob := registered(url, "Ann"), registered(url, "Bob")

	header := http.Header{"Authorization": {"Bearer " + ann.token}}
	socket, _, err := websocket.Dial(ann.as, strings.Replace(url, "http", "ws", 1)+"/ws", &websocket.DialOptions{HTTPHeader: header})
	socket = must(socket, err)
	defer socket.CloseNow()
	var frame struct {
		FrameType int
		Method    string
		Data      struct {
			ConversationID string
			SendTime       int64
		}
	}
	if err := wsjson.Read(ann.as, socket, &frame); err != nil || frame.Method != "session.ready" {
		panic(fmt.Sprint(frame, err))
	}
	content := "Hello, Bob 👋"
	// As a Go struct without tags is written: the server takes keys in any case, and gives the frame an id.
	type Message struct {
		MessageType int
		Content     string
	}
	type Data struct {
		ChatType  int
		ReceiveId string
		Message   Message
	}
	chat := struct {
		Method string
		Data   Data
	}{"conversation.chat", Data{1, bob.id, Message{0, content}}}
	if err := wsjson.Write(ann.as, socket, chat); err != nil {
		panic(err)
	}
	if err := wsjson.Read(ann.as, socket, &frame); err != nil || frame.FrameType != 2 {
		panic(fmt.Sprint(frame, err))
	}

	log, _, err := bob.client.ConversationsAPI.ImChatlog(bob.as).ConversationId(frame.Data.ConversationID).Count(10).Execute()
	list := must(log, err).Data.List
	if len(list) != 1 || list[0].MsgContent != content || list[0].SendId != ann.id || list[0].SendTime != frame.Data.SendTime {
		panic(fmt.Sprint(list))
	}
	conversations, _, err := bob.client.ConversationsAPI.ImConversations(bob.as).Execute()
	entry := must(conversations, err).Data.ConversationList[frame.Data.ConversationID]
	if entry.Unread != 1 {
		panic(fmt.Sprint(entry))
	}
	_, response, err := bob.client.ConversationsAPI.ImChatlog(bob.as).ConversationId("1_2").Execute()
	if err == nil || response.StatusCode != 404 {
		panic(fmt.Sprint(response, err))
	}
	fmt.Println("go: ok")
}
