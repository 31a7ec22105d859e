package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// leafOrder is the kind of an order's leaf.
const leafOrder = 20

// The kinds of orders.
const (
	// OrderInform: the client was informed of the national services (Kanta-informointi).
	OrderInform = "inform"
	// OrderSuspend and OrderResume stop a registry-use right and let it go on (RKO-5).
	OrderSuspend = "suspend"
	OrderResume  = "resume"
)

// Order is something that the archive is told of a client that is no document.
type Order struct {
	// ID is the OID that its sender gave it; "" where it came by no message.
	ID   string
	Kind string
	// Client is an identity code, or a temporary id after its root; it does not come out again.
	Client string
	// Organiser, Task and Unit name the registry-use right; an empty Task or Unit
	// means every one. An informing has none of them.
	Organiser, Task, Unit string
	// At is when it takes (or took) effect; Arrived when the archive was told.
	At, Arrived time.Time
	// Recorder is the organisation that recorded it, User the person, Reason free text.
	Recorder, User, Reason string
}

// orderPayload is the personal part of an order.
type orderPayload struct {
	Client string `json:"client"`
	User   string `json:"user,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// PutOrder records an order durably, with its row in the usage log. Errors:
// ErrInput for an order that lacks client, recorder or, for a right, the organiser.
func (s *Store) PutOrder(ctx context.Context, o Order) error {
	row, err := s.orderRow(ctx, &o)
	if err != nil {
		return fail("order", err)
	}
	return s.do(ctx, "order", 0, row.write)
}

type orderRow struct {
	*Order
	plain, payload []byte // payload is sealed when written
	key            *dataKey
	leaf           leaf
	usage          []usageRow
}

func (s *Store) orderRow(ctx context.Context, o *Order) (*orderRow, error) {
	switch {
	case o.Kind != OrderInform && o.Kind != OrderSuspend && o.Kind != OrderResume:
		return nil, input("order", "unknown kind %q", o.Kind)
	case normalID(o.Client) == "" || o.Recorder == "":
		return nil, input("order", "client or recorder is empty")
	case o.Kind != OrderInform && o.Organiser == "":
		return nil, input("order", "organiser is empty")
	}
	o.Arrived = s.now()
	o.At = s.arrival(o.At)
	r := &orderRow{Order: o}
	var err error
	if r.plain, err = json.Marshal(orderPayload{o.Client, o.User, o.Reason}); err != nil {
		return nil, err
	}
	r.payload = pack(r.plain)
	if r.leaf, err = newLeaf(leafOrder, o.record(r.plain), s.opt.Random); err != nil {
		return nil, err
	}
	whose := o.Organiser
	if whose == "" {
		whose = o.Recorder
	}
	if r.key, err = s.sealingKey(ctx, o.Recorder, sealLogs); err != nil {
		return nil, err
	}
	r.usage, err = s.usageRows(ctx, []Usage{{At: o.Arrived, DataController: whose, LogController: o.Recorder, Client: o.Client,
		User: o.User, Action: o.Kind}}, o.Arrived, s.sealingKey)
	return r, err
}

func (o *Order) record(plain []byte) *record {
	return new(record).text(o.ID, o.Kind, o.Organiser, o.Task, o.Unit, o.Recorder).int(micros(o.At), micros(o.Arrived)).bytes(plain)
}

const (
	sqlNextOrder = `SELECT coalesce(max(seq), 0) + 1 FROM orders`
	sqlPutOrder  = `INSERT INTO orders (seq, id, kind, client_key, organiser, task, unit, at, arrived, recorder, payload, leaf)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlOrders = `SELECT kind, organiser, task, unit, at, arrived, recorder FROM orders WHERE client_key = ` + asBlob + ` ORDER BY seq`
)

func (r *orderRow) write(t *tx) error {
	var seq int64
	if err := t.row(sqlNextOrder, nil, &seq); err != nil {
		return err
	}
	leaf, err := t.leaf(&r.leaf, seq)
	if err != nil {
		return err
	}
	k := t.w.s.keys.client(r.Client)
	t.changed(k[:], leaf)
	payload, err := t.w.s.seal(r.key, place{inOrders, num(seq)}, nil, r.payload)
	if err != nil {
		return err
	}
	err = t.exec(sqlPutOrder, seq, r.ID, r.Kind, k[:], r.Organiser, r.Task, r.Unit, micros(r.At), micros(r.Arrived), r.Recorder, payload, leaf)
	if err != nil {
		return err
	}
	return t.logUsage(r.usage, "")
}

// orders gives the orders about a client under any of its keys, by arrival.
func (s *Store) orders(ctx context.Context, tx querier, keys []key) (out []Order, err error) {
	for _, k := range keys {
		rows, err := tx.QueryContext(ctx, sqlOrders, k[:])
		if err != nil {
			return nil, err
		}
		if out, err = scanOrders(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func scanOrders(rows *sql.Rows, out []Order) ([]Order, error) {
	defer rows.Close()
	for rows.Next() {
		var o Order
		var at, arrived int64
		if err := rows.Scan(&o.Kind, &o.Organiser, &o.Task, &o.Unit, &at, &arrived, &o.Recorder); err != nil {
			return nil, err
		}
		o.At, o.Arrived = fromMicros(at), fromMicros(arrived)
		out = append(out, o)
	}
	return out, rows.Err()
}

// openOrder gives the personal part of an order.
func (s *Store) openOrder(seq int64, payload []byte) (plain []byte, p orderPayload, err error) {
	if plain, err = s.plain(place{inOrders, num(seq)}, nil, payload); err == nil {
		err = json.Unmarshal(plain, &p)
	}
	return plain, p, err
}
