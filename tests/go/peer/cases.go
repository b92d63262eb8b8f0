// What this peer can do of the compatibility matrix: a case is a few calls whose outcomes are looked at whole. What a case is for
// stands in tests/src/matrix/cases.rs, under the same name; its values need only be the same on both ways.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	big "github.com/dubbogo/gost/math/big"
)

// The attachment under whose value a provider keeps what it receives.
const keyOfCase = "lab.key"

const emoji = "🚀👩‍🚀 αβ 漢字 𝒳"

// The calls of one case, on the references to one provider, and how each of them ended.
type steps struct {
	at, key  string
	outcomes []any
}

var cases = map[string]func(*steps){
	"text": func(s *steps) {
		s.each("types", "text", "", "plain", "grüße", "line\nbreak\x00nul \"quoted\" \\", "\x7f\u0080\u07ff\u0800")
	},
	"text.four-byte": func(s *steps) { s.each("types", "text", "🚀", emoji, strings.Repeat("🚀", 20)) },
	"text.long": func(s *steps) {
		s.each("types", "text", strings.Repeat("x", 32_767), strings.Repeat("x", 32_768), strings.Repeat("é", 70_000), strings.Repeat(emoji, 9_000))
	},
	"numbers": func(s *steps) {
		s.each("types", "truth", true, false)
		s.each("types", "number", int32(0), int32(-16), int32(48), int32(math.MinInt32), int32(math.MaxInt32))
		s.each("types", "big", int64(0), int64(-8), int64(1)<<53, int64(math.MinInt64), int64(math.MaxInt64))
		s.each("types", "real", 0.0, 1.0, -128.0, 12.25, 0.1, math.MaxFloat64)
	},
	"date":            func(s *steps) { s.each("types", "date", time.UnixMilli(1_700_000_000_123), time.UnixMilli(0)) },
	"bytes":           func(s *steps) { s.each("types", "bytes", []byte{}, []byte{0, 1, 255, 127, 128}, javaRandom(70_000, 3)) },
	"object":          func(s *steps) { s.each("types", "order", anOrder()) },
	"thrown.declared": func(s *steps) { s.each("interop", "declared", "no pears 🚀") },
	"thrown.runtime":  func(s *steps) { s.each("interop", "undeclared", "broken") },
	"void":            func(s *steps) { s.each("interop", "silent", "x") },
	"null-result":     func(s *steps) { s.each("interop", "nothing", "x") },
	"timeout": func(s *steps) {
		begin := time.Now()
		s.call("interop", "slow", nil, "too late", int32(3_000))
		s.saw("gave up before the provider was done", time.Since(begin) < 2_800*time.Millisecond)
	},
	"generic": func(s *steps) {
		s.call("generic", "text", []string{"java.lang.String"}, "plain 🚀")
		s.call("generic", "add", []string{"int", "long"}, int32(5), int64(6))
		s.call("generic", "silent", []string{"java.lang.String"}, "x")
	},
	"attachments.request": func(s *steps) {
		s.attached(map[string]any{"mine": "there 🚀", "empty": "", "long": strings.Repeat("y", 5_000)})
		s.attached(nil)
	},
	"group-and-version": func(s *steps) { s.each("greeting", "sayHello", "you") },
}

// The names of the cases that this peer can call, and of those that it can answer.
func namesOfCases() any {
	calls := []string{}
	for name := range cases {
		calls = append(calls, name)
	}
	serves := []string{
		"text", "text.four-byte", "text.long", "thrown.declared", "thrown.runtime", "void", "null-result", "timeout", "generic",
		"attachments.request", "group-and-version",
	}
	return map[string]any{"calls": calls, "serves": serves}
}

type caseMessage struct {
	Name string `json:"name"`
	At   string `json:"at"`
	Key  string `json:"key"`
}

func runCase(wanted caseMessage) (any, error) {
	found, there := cases[wanted.Name]
	if !there {
		return nil, fmt.Errorf("no case %s", wanted.Name)
	}
	made := &steps{at: wanted.At, key: wanted.Key, outcomes: []any{}}
	found(made)
	return map[string]any{"outcomes": made.outcomes}, nil
}

func anOrder() *Order {
	text := func(value string) *string { return &value }
	discount := 0.5
	item := func(name string, count int32) *Item {
		price := new(decimalJSON)
		if err := price.UnmarshalJSON([]byte("1.25")); err != nil {
			panic(err)
		}
		return &Item{name, count, (*big.Decimal)(price)}
	}
	return &Order{
		ID: 1 << 40, State: 1, Placed: time.UnixMilli(1_700_000_000_123), Total: item("total", 0).Price, Discount: &discount, Gift: true,
		Customer: &Customer{text("Zoë"), &Address{text("Long Road 1"), text("B")}}, Items: []*Item{item("pear", 1), item("fig", -2)},
		Favourites: map[string]*Item{"first": item("fig", 3)}, Note: text("n"),
	}
}

func (s *steps) saw(what string, value any) {
	s.outcomes = append(s.outcomes, map[string]any{what: value})
}

// One call for each value.
func (s *steps) each(kind, method string, values ...any) {
	for _, value := range values {
		s.call(kind, method, nil, value)
	}
}

func (s *steps) call(kind, method string, types []string, arguments ...any) {
	s.ended(s.invoke(kind, method, types, map[string]any{keyOfCase: s.key}, arguments...))
}

func (s *steps) ended(result any, err error) {
	if err != nil {
		// What stands around the root names addresses.
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		s.saw("threw", thrownBy(err))
		return
	}
	s.saw("returned", result)
}

func (s *steps) invoke(kind, method string, types []string, attachments map[string]any, arguments ...any) (any, error) {
	lock.RLock()
	found, there := references[kind+"@"+s.at]
	lock.RUnlock()
	if !there {
		return nil, fmt.Errorf("no reference %s@%s", kind, s.at)
	}
	made := prepared{call: call{Method: method, Types: types}, reference: found, arguments: arguments}
	if found.generic == nil {
		made.result = resultOf(method)
	}
	return made.with(attachments)
}

// What the provider saw of these, without what the line adds and without what two calls do not have in common.
func (s *steps) attached(attachments map[string]any) {
	seen, err := s.invoke("interop", "attachments", nil, attachments, "x")
	if named, ok := seen.(map[string]any); ok {
		for key := range named {
			switch {
			case strings.HasPrefix(key, "highway."):
				delete(named, key)
			case key == "input" || key == "output" || key == "timeout":
				named[key] = "…"
			}
		}
	}
	s.ended(seen, err)
}

var (
	keptLock sync.Mutex
	kept     = map[string][]any{}
)

// Keeps what a service received, if the call asks for it.
func keep(ctx context.Context, arguments ...any) {
	attachments, _ := ctx.Value(constant.AttachmentKey).(map[string]any)
	key := attachment(attachments[keyOfCase])
	if key == "" {
		return
	}
	shownOnes := []any{}
	for _, argument := range arguments {
		shownOnes = append(shownOnes, shown(argument))
	}
	keptLock.Lock()
	defer keptLock.Unlock()
	kept[key] = append(kept[key], shownOnes)
}

type seenMessage struct {
	Key string `json:"key"`
}

// The arguments of each call under a key, in the order of their arrival; asked once.
func seen(message seenMessage) any {
	keptLock.Lock()
	defer keptLock.Unlock()
	all := kept[message.Key]
	delete(kept, message.Key)
	if all == nil {
		all = []any{}
	}
	return map[string]any{"arguments": all}
}

func resultOf(method string) reflect.Type {
	found, there := signature(method)
	if !there || found.NumOut() != 2 {
		return nil
	}
	// dubbo-go reads a map of objects into an empty interface and into nothing else.
	if found.Out(0).Kind() == reflect.Map {
		return reflect.TypeFor[any]()
	}
	return found.Out(0)
}

// A case that runs in the matrix is asked for by name.
func messageOf[T any](text []byte, answer func(T) (any, error)) (any, error) {
	var message T
	if err := json.Unmarshal(text, &message); err != nil {
		return nil, err
	}
	return answer(message)
}
