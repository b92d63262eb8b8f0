// What travels: the Go faces of com.example's classes, and JSON in and out as the Java peer has it. Byte arrays never cross as text:
// they come in as {"length": n, "seed": s} and go out as {"length": n, "sha256": "…"}, dates as milliseconds.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	hessian "github.com/apache/dubbo-go-hessian2"
	big "github.com/dubbogo/gost/math/big"
)

// State is com.example.Order$State.
type State hessian.JavaEnum

var states = []string{"OPEN", "PAID", "SENT"}

func (State) JavaClassName() string { return "com.example.Order$State" }

func (s State) String() string { return states[s] }

// EnumValue is how hessian reads one.
func (State) EnumValue(name string) hessian.JavaEnum {
	for i, each := range states {
		if each == name {
			return hessian.JavaEnum(i)
		}
	}
	return hessian.InvalidJavaEnum
}

// MarshalText writes the constant's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the constant's name.
func (s *State) UnmarshalText(text []byte) error {
	value := s.EnumValue(string(text))
	if value == hessian.InvalidJavaEnum {
		return fmt.Errorf("no state %s", text)
	}
	*s = State(value)
	return nil
}

// Order is com.example.Order.
type Order struct {
	ID         int64            `hessian:"id"`
	State      State            `hessian:"state"`
	Placed     time.Time        `hessian:"placed"`
	Total      *big.Decimal     `hessian:"total"`
	Discount   *float64         `hessian:"discount"`
	Gift       bool             `hessian:"gift"`
	Customer   *Customer        `hessian:"customer"`
	Items      []*Item          `hessian:"items"`
	Favourites map[string]*Item `hessian:"favourites"`
	Note       *string          `hessian:"note"`
}

func (*Order) JavaClassName() string { return "com.example.Order" }

// Customer is com.example.Order$Customer.
type Customer struct {
	Name    *string  `hessian:"name" json:"name"`
	Address *Address `hessian:"address" json:"address"`
}

func (*Customer) JavaClassName() string { return "com.example.Order$Customer" }

// Address is com.example.Order$Address.
type Address struct {
	Street *string `hessian:"street" json:"street"`
	City   *string `hessian:"city" json:"city"`
}

func (*Address) JavaClassName() string { return "com.example.Order$Address" }

// Item is com.example.Order$Item.
type Item struct {
	Name  string       `hessian:"name"`
	Count int32        `hessian:"count"`
	Price *big.Decimal `hessian:"price"`
}

func (*Item) JavaClassName() string { return "com.example.Order$Item" }

// OutOfStock is com.example.OutOfStockException; its code is its own, the rest is what every exception has.
type OutOfStock struct {
	SerialVersionUID     int64
	DetailMessage        string
	SuppressedExceptions []any
	StackTrace           []any
	Cause                any
	Code                 int32
}

func (*OutOfStock) JavaClassName() string { return "com.example.OutOfStockException" }

func (o *OutOfStock) Error() string { return o.DetailMessage }

func init() {
	hessian.RegisterJavaEnum(State(0))
	for _, each := range []hessian.POJO{&Order{}, &Customer{}, &Address{}, &Item{}} {
		hessian.RegisterPOJO(each)
	}
}

type orderJSON struct {
	ID         int64            `json:"id"`
	State      *State           `json:"state"`
	Placed     int64            `json:"placed"`
	Total      *decimalJSON     `json:"total"`
	Discount   *float64         `json:"discount"`
	Gift       bool             `json:"gift"`
	Customer   *Customer        `json:"customer"`
	Items      []*Item          `json:"items"`
	Favourites map[string]*Item `json:"favourites"`
	Note       *string          `json:"note"`
}

// MarshalJSON writes it as the Java peer does.
func (o *Order) MarshalJSON() ([]byte, error) {
	return json.Marshal(orderJSON{
		o.ID, &o.State, o.Placed.UnixMilli(), (*decimalJSON)(o.Total), o.Discount, o.Gift, o.Customer, o.Items, o.Favourites, o.Note,
	})
}

// UnmarshalJSON reads what the Java peer writes.
func (o *Order) UnmarshalJSON(text []byte) error {
	var from orderJSON
	if err := json.Unmarshal(text, &from); err != nil {
		return err
	}
	*o = Order{
		from.ID, 0, time.UnixMilli(from.Placed), (*big.Decimal)(from.Total), from.Discount, from.Gift, from.Customer, from.Items,
		from.Favourites, from.Note,
	}
	if from.State != nil {
		o.State = *from.State
	}
	return nil
}

type itemJSON struct {
	Name  string       `json:"name"`
	Count int32        `json:"count"`
	Price *decimalJSON `json:"price"`
}

// MarshalJSON writes it as the Java peer does.
func (i *Item) MarshalJSON() ([]byte, error) {
	return json.Marshal(itemJSON{i.Name, i.Count, (*decimalJSON)(i.Price)})
}

// UnmarshalJSON reads what the Java peer writes.
func (i *Item) UnmarshalJSON(text []byte) error {
	var from itemJSON
	if err := json.Unmarshal(text, &from); err != nil {
		return err
	}
	*i = Item{from.Name, from.Count, (*big.Decimal)(from.Price)}
	return nil
}

// A decimal as a JSON number.
type decimalJSON big.Decimal

func (d *decimalJSON) MarshalJSON() ([]byte, error) { return []byte((*big.Decimal)(d).String()), nil }

func (d *decimalJSON) UnmarshalJSON(text []byte) error {
	return (*big.Decimal)(d).FromString(string(text))
}

func shown(value any) any {
	switch value := value.(type) {
	case *[]byte:
		return shown(*value)
	case []byte:
		if value == nil {
			return nil
		}
		sum := sha256.Sum256(value)
		return map[string]any{"length": len(value), "sha256": hex.EncodeToString(sum[:])}
	case []any:
		each := make([]any, len(value))
		for i, one := range value {
			each[i] = shown(one)
		}
		return each
	case map[any]any:
		named := map[string]any{}
		for key, each := range value {
			named[fmt.Sprint(key)] = shown(each)
		}
		return named
	}
	return value
}

// The bytes that Java's Random gives for a seed, so that both peers send the same.
func javaRandom(length, seed int) []byte {
	state := (int64(seed) ^ 0x5DEECE66D) & (1<<48 - 1)
	bytes := make([]byte, length)
	for i := 0; i < length; {
		state = (state*0x5DEECE66D + 0xB) & (1<<48 - 1)
		for word, n := int32(state>>16), 0; n < 4 && i < length; n, word = n+1, word>>8 {
			bytes[i] = byte(word)
			i++
		}
	}
	return bytes
}
