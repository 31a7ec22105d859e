package access

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

// WorkTask is a professional's work task (työtehtävä) by decree 457/2024 § 10,
// named as in data/worktasks.yaml.
type WorkTask string

//go:embed data/worktasks.yaml
var worktasksYAML []byte

// matrix is the shipped matrix of work tasks.
var matrix = sync.OnceValue(func() *Matrix {
	m, err := readMatrix(worktasksYAML)
	if err != nil {
		panic(err) // embedded, and tested
	}
	return m
})

// Matrix is decree 457/2024 §§ 12–17 and 22–24 as data.
type Matrix struct {
	Source       string    `yaml:"source"`
	ServiceTasks []named   `yaml:"service_tasks"`
	Services     []service `yaml:"services"`
	Therapy      kinds     `yaml:"therapy"`
	Plans        kinds     `yaml:"plans_and_assessments"`
	Contracts    kinds     `yaml:"contracts"`
	Citizen      struct {
		Services []string `yaml:"services"`
		kinds    `yaml:",inline"`
	} `yaml:"citizen_closed"`
	Rows           []Row  `yaml:"rows"`
	UnknownService string `yaml:"unknown_service"`
}

type named struct {
	Key       string `yaml:"key"`
	Code      string `yaml:"code"`
	Finnish   string `yaml:"fi"`
	Certainty string `yaml:"certainty"`
}

type service struct {
	named `yaml:",inline"`
	Kinds []string `yaml:"kinds"`
}

type kinds struct {
	General   []string `yaml:"general"`
	Kinds     []string `yaml:"kinds"`
	Certainty string   `yaml:"certainty"`
}

// Row is one row: what one work task is within.
type Row struct {
	ID       string   `yaml:"id"`
	Task     WorkTask `yaml:"task"`
	Basics   bool     `yaml:"basics"`
	Tasks    []string `yaml:"tasks"`
	Own      []string `yaml:"own"`
	Plans    bool     `yaml:"plans"`
	Services string   `yaml:"services"`
	Kinds    string   `yaml:"kinds"`
	OnlyFor  []string `yaml:"only_for"`
	Except   struct {
		Services []string `yaml:"services"`
		Therapy  bool     `yaml:"therapy"`
	} `yaml:"except"`
	Register  string `yaml:"register"`
	Law       string `yaml:"law"`
	Certainty string `yaml:"certainty"`
}

// WorkTasks gives the shipped matrix, read-only.
func WorkTasks() *Matrix { return matrix() }

// withCodes gives a copy of the matrix in which service tasks and services have
// the codes given by key.
func (m *Matrix) withCodes(codes map[string]string) (*Matrix, error) {
	c := *m
	c.ServiceTasks, c.Services = slices.Clone(m.ServiceTasks), slices.Clone(m.Services)
	used := 0
	for i := range c.ServiceTasks {
		used += c.ServiceTasks[i].take(codes)
	}
	for i := range c.Services {
		used += c.Services[i].take(codes)
	}
	if used != len(codes) {
		return nil, fmt.Errorf("access: codes name service tasks or services that work tasks do not know: %v", codes)
	}
	return &c, nil
}

func (n *named) take(codes map[string]string) int {
	code, ok := codes[n.Key]
	if !ok {
		return 0
	}
	n.Code = code
	return 1
}

func readMatrix(b []byte) (*Matrix, error) {
	m := new(Matrix)
	if err := yaml.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("access: work tasks: %w", err)
	}
	return m, m.check()
}

// check demands that each word of a row is one that the file explains.
func (m *Matrix) check() error {
	services, tasks := []string{}, []string{"all"}
	for _, s := range m.Services {
		services = append(services, s.Key)
	}
	for _, t := range m.ServiceTasks {
		tasks = append(tasks, t.Key)
	}
	known := func(id string, words, of []string) error {
		for _, w := range words {
			if !slices.Contains(of, w) {
				return fmt.Errorf("access: work tasks: row %s: unknown word %q", id, w)
			}
		}
		return nil
	}
	for _, r := range m.Rows {
		for _, c := range []struct{ words, of []string }{
			{r.Tasks, tasks}, {r.Own, tasks}, {r.OnlyFor, services}, {r.Except.Services, services},
			{[]string{r.Services}, []string{"", "own-task", "any-task"}}, {[]string{r.Kinds}, []string{"", "contracts"}},
			{[]string{r.Register}, []string{"", "own"}},
		} {
			if err := known(r.ID, c.words, c.of); err != nil {
				return err
			}
		}
	}
	return nil
}

// allows gives a row that covers the document for one of the requester's work
// tasks, nil where none does.
func (m *Matrix) allows(q *Requester, d *Document) *Row {
	for i := range m.Rows {
		r := &m.Rows[i]
		if slices.Contains(q.Tasks, r.Task) && m.within(r, q, d) {
			return r
		}
	}
	return nil
}

func (m *Matrix) within(r *Row, q *Requester, d *Document) bool {
	own := d.Controller == q.Organisation || slices.Contains(q.Own, d.Controller)
	switch of := m.serviceOf(d); {
	case r.Register == "own" && !own:
		return false
	case len(r.OnlyFor) > 0 && !m.worksIn(q, r.OnlyFor):
		return false
	case r.Except.Therapy && slices.Contains(m.Therapy.Kinds, d.Specific):
		return false
	case of != nil && slices.Contains(r.Except.Services, of.Key):
		return false
	case d.Phase.ofWill():
		return true
	case d.Phase == Relationship || d.Phase == CaseDocument:
		return r.Basics
	default:
		return m.byTask(r, q, d) || m.byKind(r, q, d) || m.byService(r, q, d, of)
	}
}

// byTask tells whether the row covers the document's service task.
func (m *Matrix) byTask(r *Row, q *Requester, d *Document) bool {
	if slices.Contains(r.Tasks, "all") {
		return true
	}
	for _, code := range d.Tasks {
		key := m.taskKey(code)
		if key != "" && (slices.Contains(r.Tasks, key) || slices.Contains(r.Own, key) && slices.Contains(q.ServiceTasks, code)) {
			return true
		}
	}
	return false
}

// byKind tells whether it is a plan, an assessment or a contract that the row covers.
func (m *Matrix) byKind(r *Row, q *Requester, d *Document) bool {
	if r.Kinds == "contracts" && slices.Contains(m.Contracts.Kinds, d.Specific) {
		return true
	}
	return r.Plans && slices.Contains(m.Plans.General, d.General) && m.ownTask(q, d)
}

// byService tells whether the document is of the professional's own social service.
func (m *Matrix) byService(r *Row, q *Requester, d *Document, of *service) bool {
	switch {
	case r.Services == "":
		return false
	case of == nil && d.Service == "": // not told
		return r.Services == m.UnknownService && m.ownTask(q, d)
	case of != nil && !m.worksIn(q, []string{of.Key}), of == nil && !slices.Contains(q.Services, d.Service):
		return false
	}
	return r.Services == "any-task" || m.ownTask(q, d)
}

func (m *Matrix) ownTask(q *Requester, d *Document) bool {
	return slices.ContainsFunc(d.Tasks, func(t string) bool { return slices.Contains(q.ServiceTasks, t) })
}

// worksIn tells whether the professional works in one of the services, told by
// code or by key.
func (m *Matrix) worksIn(q *Requester, keys []string) bool {
	for i := range m.Services {
		s := &m.Services[i]
		if slices.Contains(keys, s.Key) && (slices.Contains(q.Services, s.Key) || s.Code != "" && slices.Contains(q.Services, s.Code)) {
			return true
		}
	}
	return false
}

// serviceOf gives the named service of a document by its code or type, nil where
// it is none of them.
func (m *Matrix) serviceOf(d *Document) *service {
	for i := range m.Services {
		s := &m.Services[i]
		if s.Code != "" && d.Service == s.Code || d.Specific != "" && slices.Contains(s.Kinds, d.Specific) || d.Service == s.Key {
			return s
		}
	}
	return nil
}

func (m *Matrix) taskKey(code string) string {
	for _, t := range m.ServiceTasks {
		if t.Code != "" && t.Code == code {
			return t.Key
		}
	}
	return ""
}

// closedToCitizens tells of kinds that the client's own view never shows.
func (m *Matrix) closedToCitizens(d *Document) bool {
	s := m.serviceOf(d)
	return s != nil && slices.Contains(m.Citizen.Services, s.Key) || slices.Contains(m.Citizen.Kinds, d.Specific)
}

// Names gives the work tasks that the matrix knows, each once, in its order.
func (m *Matrix) Names() (out []string) {
	for _, r := range m.Rows {
		if !slices.Contains(out, string(r.Task)) {
			out = append(out, string(r.Task))
		}
	}
	return out
}

// Knows tells whether the matrix has a row for a work task.
func (m *Matrix) Knows(t WorkTask) bool { return slices.Contains(m.Names(), string(t)) }
