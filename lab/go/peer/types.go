// com.example.TypesService, as far as Go has it.
package main

import (
	"context"
	"time"
)

// Types gives back what it got.
type Types struct{ counted }

func (*Types) Reference() string { return typesService }

// MethodMapper names methods as Java does.
func (*Types) MethodMapper() map[string]string {
	return map[string]string{
		"Text": "text", "Truth": "truth", "Number": "number", "Big": "big", "Real": "real", "Date": "date", "Bytes": "bytes",
		"Order": "order",
	}
}

func (t *Types) Text(ctx context.Context, value string) (string, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Truth(ctx context.Context, value bool) (bool, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Number(ctx context.Context, value int32) (int32, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Big(ctx context.Context, value int64) (int64, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Real(ctx context.Context, value float64) (float64, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Date(ctx context.Context, value time.Time) (time.Time, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Bytes(ctx context.Context, value []byte) ([]byte, error) {
	keep(ctx, value)
	return value, nil
}

func (t *Types) Order(ctx context.Context, value *Order) (*Order, error) {
	keep(ctx, value)
	return value, nil
}
