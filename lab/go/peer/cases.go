// What this peer can do of the compatibility matrix: a case is a few calls whose outcomes are looked at whole. What a case is for
// stands in tests/src/matrix/cases.rs, under the same name; its values need only be the same on both ways.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	"echo":    func(s *steps) { s.each("interop", "$echo", "anybody there? 🚀") },
	"one-way": oneWay,
	"generic.thrown": func(s *steps) {
		s.call("generic", "declared", []string{"java.lang.String"}, "no pears")
		s.call("generic", "undeclared", []string{"java.lang.String"}, "broken")
	},
	"generic.objects": func(s *steps) {
		item := map[string]any{"class": "com.example.Order$Item", "name": "pear", "count": int32(3)}
		order := map[string]any{"class": "com.example.Order", "id": int64(5), "note": "n", "items": []any{item, item}}
		s.call("generic", "order", []string{"com.example.Order"}, order)
	},
	"generic.unknown-method": func(s *steps) { s.call("generic", "nowhere", []string{"java.lang.String"}, "x") },
	"generic": func(s *steps) {
		s.call("generic", "text", []string{"java.lang.String"}, "plain 🚀")
		s.call("generic", "add", []string{"int", "long"}, int32(5), int64(6))
		s.call("generic", "silent", []string{"java.lang.String"}, "x")
	},
	"attachments.request": func(s *steps) {
		s.attached(map[string]any{"mine": "there 🚀", "empty": "", "long": strings.Repeat("y", 5_000)})
		s.attached(nil)
	},
	"attachments.of-the-line": func(s *steps) {
		seen, err := s.invoke("interop", "attachments", nil, nil, "x")
		s.ended(onlyOfTheLine(seen), err)
	},
	"group-and-version": func(s *steps) { s.each("greeting", "sayHello", "you") },
	"any-group":         func(s *steps) { s.each("any-group", "sayHello", "whoever you are") },
	"any-version":       func(s *steps) { s.each("any-version", "sayHello", "however new") },
	// Java's limit first, which dubbo-go's own keeps it from, and then as much as that takes.
	"payload.request": func(s *steps) {
		s.call("interop", "length", nil, make([]byte, javaLimit-1))
		if length, fits := s.fitting(); fits {
			s.call("interop", "length", nil, make([]byte, length))
		}
	},
	"payload.request-over": func(s *steps) { s.call("interop", "length", nil, make([]byte, javaLimit+1)) },
	"payload.reply": func(s *steps) {
		if s.call("interop", "make", nil, int32(1_000_000)) {
			s.tooLarge(javaLimit - 1_000)
		}
	},
	"payload.reply-over": func(s *steps) {
		if s.call("interop", "make", nil, int32(1_000)) {
			s.tooLarge(javaLimit + 1)
		}
	},
	"callers": callers,
}

const (
	// A body that Java's default still passes.
	javaLimit     = 8 << 20
	callersAtOnce = 200
	callsEach     = 5
	// For what arrives without anybody waiting for it, and for connections that are made again.
	arriving = 10 * time.Second
	// More than it has connections to one address.
	inSuccession = 40
)

// What two calls of one kind do not have in common.
var ofOneCall = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(:\d+)?|0x[0-9a-f]+`)

var complaint = regexp.MustCompile(`Data length (\d+) too large, max payload (\d+)`)

// The longest array whose body is one byte under dubbo-go's own limit, as far as its complaint about a longer one tells; false if
// it says something else.
func (s *steps) fitting() (int, bool) {
	_, err := s.invoke("interop", "length", nil, map[string]any{keyOfCase: s.key}, make([]byte, javaLimit))
	if err == nil {
		panic("a body over the limit was sent")
	}
	found := complaint.FindStringSubmatch(err.Error())
	if found == nil {
		return 0, false
	}
	length, _ := strconv.Atoi(found[1])
	limit, _ := strconv.Atoi(found[2])
	return javaLimit - (length - (limit - 1)), true
}

// An answer over its limit costs dubbo-go the connection, and the next calls on it too: waits until they are well again.
func (s *steps) tooLarge(length int32) {
	s.call("interop", "make", nil, length)
	end := time.Now().Add(arriving)
	for well := 0; well < inSuccession && time.Now().Before(end); well++ {
		if _, err := s.invoke("interop", "text", nil, nil, "well?"); err != nil {
			well = -1
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// Nobody waits for it, but it arrives, once. What dubbo-go calls async without a callback is one-way on the wire.
func oneWay(s *steps) {
	note := fmt.Sprint("note ", time.Now().UnixNano())
	_, err := s.invoke("interop", "note", nil, map[string]any{keyOfCase: s.key, constant.AsyncKey: "true"}, note)
	if err != nil {
		s.ended(nil, err)
		return
	}
	s.saw("returned at once", nil)
	noted := any(int32(0))
	for end := time.Now().Add(arriving); noted == int32(0) && time.Now().Before(end); {
		if noted, err = s.invoke("interop", "noted", nil, nil, note); err != nil {
			s.ended(nil, err)
			return
		}
	}
	// Another call behind it: a second one would be there by now.
	noted, err = s.invoke("interop", "noted", nil, nil, note)
	if err != nil {
		s.ended(nil, err)
		return
	}
	s.saw("arrived", noted)
}

func callers(s *steps) {
	var own, others atomic.Int32
	var workers sync.WaitGroup
	thrown := sync.Map{}
	start := make(chan struct{})
	for caller := range callersAtOnce {
		mine := fmt.Sprint("caller ", caller)
		workers.Go(func() {
			<-start
			for range callsEach {
				answer, err := s.invoke("interop", "text", nil, nil, mine)
				switch {
				case err != nil:
					thrown.Store(err.Error(), true)
				case answer == mine:
					own.Add(1)
				default:
					others.Add(1)
				}
			}
		})
	}
	close(start)
	workers.Wait()
	s.saw("answered with their own", fmt.Sprint(own.Load()))
	s.saw("answered with another's", fmt.Sprint(others.Load()))
	errs := []any{}
	thrown.Range(func(text, _ any) bool { errs = append(errs, text); return true })
	s.saw("threw", errs[:min(len(errs), 1)])
}

// The names of the cases that this peer can call, and of those that it can answer.
func namesOfCases() any {
	calls := []string{}
	for name := range cases {
		calls = append(calls, name)
	}
	serves := []string{
		"text", "text.four-byte", "text.long", "thrown.declared", "thrown.runtime", "void", "null-result", "timeout", "generic",
		"attachments.request", "attachments.of-the-line", "group-and-version", "any-group", "any-version", "echo", "one-way",
		"one-way.unsent", "async.reference", "generic.async", "generic.thrown", "generic.unknown-method", "attachments.reply", "payload.request",
		"payload.request-over", "payload.reply", "payload.reply-over", "callers",
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

// Whether there was an answer.
func (s *steps) call(kind, method string, types []string, arguments ...any) bool {
	result, err := s.invoke(kind, method, types, map[string]any{keyOfCase: s.key}, arguments...)
	s.ended(result, err)
	return err == nil
}

func (s *steps) ended(result any, err error) {
	if err != nil {
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		thrown := thrownBy(err)
		// Some messages are whole stacks, and name addresses and channels.
		thrown.Message, _, _ = strings.Cut(thrown.Message, "\n")
		thrown.Message = ofOneCall.ReplaceAllString(thrown.Message, "N")
		s.saw("threw", thrown)
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
		maps.DeleteFunc(named, func(key string, _ any) bool { return ofTheLine(key) })
		for key := range named {
			if key == "input" || key == "output" || key == "timeout" {
				named[key] = "…"
			}
		}
	}
	s.ended(seen, err)
}

func ofTheLine(key string) bool { return strings.HasPrefix(key, "highway.") }

// The other half of it.
func onlyOfTheLine(seen any) any {
	if named, ok := seen.(map[string]any); ok {
		maps.DeleteFunc(named, func(key string, _ any) bool { return !ofTheLine(key) })
	}
	return seen
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
