// A dubbo-go application, driven by JSON lines: a request {"id": 1, "op": "call", …} on stdin gets one answer {"id": 1, "done": …}
// or {"id": 1, "failed": "…"} on stdout, not always in order. Logs go to stderr. It speaks the same lines as the Java peer beside it
// (lab/java/peer/lab/Messages.java) and knows what dubbo-go can do of them; what it cannot, it refuses by name.
//
// The end of stdin ends the application.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

type line struct {
	ID json.RawMessage `json:"id"`
	Op string          `json:"op"`
}

type answer struct {
	ID     json.RawMessage `json:"id"`
	Done   any             `json:"done,omitempty"`
	Failed string          `json:"failed,omitempty"`
}

func main() {
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	// dubbo-go prints to stdout on some of its ways; nobody but the answers may.
	os.Stdout = os.Stderr
	var one sync.Mutex
	requests := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		text, err := requests.ReadBytes('\n')
		if err != nil {
			os.Exit(0)
		}
		go func() {
			answer := answerTo(text)
			one.Lock()
			defer one.Unlock()
			if err := answers.Encode(answer); err != nil {
				// Something in it is no JSON, which whoever asked is told.
				err = errors.Join(err, answers.Encode(failed(answer.ID, err)))
				fmt.Fprintln(os.Stderr, "peer: cannot answer:", err)
			}
		}()
	}
}

func failed(id json.RawMessage, err error) answer { return answer{ID: id, Failed: err.Error()} }

func answerTo(text []byte) (out answer) {
	var asked line
	if err := json.Unmarshal(text, &asked); err != nil {
		return answer{Failed: err.Error()}
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			out = answer{ID: asked.ID, Failed: fmt.Sprint("panic: ", panicked)}
		}
	}()
	done, err := run(asked.Op, text)
	if err != nil {
		return failed(asked.ID, err)
	}
	return answer{ID: asked.ID, Done: done}
}

func run(op string, text []byte) (any, error) {
	switch op {
	case "start":
		return struct{}{}, decoded(text, start)
	case "refer":
		return struct{}{}, decoded(text, refer)
	case "call":
		var wanted call
		if err := json.Unmarshal(text, &wanted); err != nil {
			return nil, err
		}
		return wanted.one()
	case "many":
		var wanted call
		if err := json.Unmarshal(text, &wanted); err != nil {
			return nil, err
		}
		return wanted.many()
	case "cases":
		return namesOfCases(), nil
	case "case":
		return messageOf(text, runCase)
	case "seen":
		return messageOf(text, func(message seenMessage) (any, error) { return seen(message), nil })
	case "counts":
		return counts(), nil
	}
	return nil, fmt.Errorf("no operation %s", op)
}

func decoded[T any](text []byte, do func(T) error) error {
	var message T
	if err := json.Unmarshal(text, &message); err != nil {
		return err
	}
	return do(message)
}
