package access

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// tableFacts are facts as the table names them.
type tableFacts struct {
	At             string   `yaml:"at"`
	Audience       string   `yaml:"audience"`
	Organisation   string   `yaml:"organisation"`
	Unit           string   `yaml:"unit"`
	Own            []string `yaml:"own"`
	Public         bool     `yaml:"public"`
	NotJoined      bool     `yaml:"not_joined"`
	Profile        string   `yaml:"profile"`
	Tasks          []string `yaml:"tasks"`
	ServiceTasks   []string `yaml:"service_tasks"`
	Services       []string `yaml:"services"`
	Use            string   `yaml:"use"`
	SpecialReason  string   `yaml:"special_reason"`
	WideSearch     string   `yaml:"wide_search"`
	Strong         bool     `yaml:"strong"`
	NullifiedAsked bool     `yaml:"nullified_asked"`
	Minor          bool     `yaml:"minor"`
	Protected      bool     `yaml:"protected"`
	ID             string   `yaml:"id"`
	Set            string   `yaml:"set"`
	Controller     string   `yaml:"controller"`
	Phase          string   `yaml:"phase"`
	General        string   `yaml:"general"`
	Specific       string   `yaml:"specific"`
	DocTasks       []string `yaml:"doc_tasks"`
	Service        string   `yaml:"service"`
	Case           string   `yaml:"case"`
	Relationship   string   `yaml:"relationship"`
	Written        string   `yaml:"written"`
	Nullified      bool     `yaml:"nullified"`
	Consent        string   `yaml:"consent"`
	Restriction    string   `yaml:"restriction"`
	Later          bool     `yaml:"later"`
	Informed       string   `yaml:"informed"`
	Permission     string   `yaml:"permission"`
	Given          string   `yaml:"given"`
	Prohibitions   []struct {
		Level  string `yaml:"level"`
		Target string `yaml:"target"`
	} `yaml:"prohibitions"`
	Units []struct {
		Organiser, Unit, Task, From, Until string
	} `yaml:"units"`
	Rights        []tableRight `yaml:"rights"`
	Relationships []struct {
		ID, From, Until string
	} `yaml:"relationships"`
	Elsewhere bool `yaml:"elsewhere"`
}

type tableRight struct {
	Organiser  string   `yaml:"organiser"`
	Unit       string   `yaml:"unit"`
	Task       string   `yaml:"task"`
	From       string   `yaml:"from"`
	Until      string   `yaml:"until"`
	Cases      []string `yaml:"cases"`
	Suspended  bool     `yaml:"suspended"`
	NoContract bool     `yaml:"no_contract"`
}

type tableCase struct {
	ID         string         `yaml:"id"`
	Name       string         `yaml:"name"`
	Op         string         `yaml:"op"`
	Base       string         `yaml:"base"`
	Set        map[string]any `yaml:"set"`
	Right      map[string]any `yaml:"right"`
	TheCase    *theCase       `yaml:"the_case"`
	NoCase     bool           `yaml:"no_case"`
	Want       string         `yaml:"want"`
	Remark     string         `yaml:"remark"`
	Suspicious *bool          `yaml:"suspicious"`
	Protected  bool           `yaml:"protected"`
}

type theCase struct {
	Controller string `yaml:"controller"`
	Task       string `yaml:"task"`
	Closed     string `yaml:"closed"`
	Strangers  bool   `yaml:"strangers"`
}

type tableFile struct {
	Base    map[string]any `yaml:"base"`
	Product struct {
		Dims   map[string]map[string]map[string]any `yaml:"dims"`
		Expect []map[string]string                  `yaml:"expect"`
	} `yaml:"product"`
	Cases     []tableCase `yaml:"cases"`
	WorkTasks []struct {
		Task   string   `yaml:"task"`
		St     []string `yaml:"st"`
		Sv     []string `yaml:"sv"`
		Own    bool     `yaml:"own"`
		Doc    struct{ Task, General, Specific, Service, Phase string }
		Within bool   `yaml:"within"`
		Law    string `yaml:"law"`
	} `yaml:"worktasks"`
}

func readTable(t testing.TB) *tableFile {
	t.Helper()
	b, err := os.ReadFile("testdata/decisions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	f := new(tableFile)
	if err := d.Decode(f); err != nil {
		t.Fatal(err)
	}
	return f
}

// build makes facts of maps, the later ones over the earlier.
func build(t testing.TB, layers ...map[string]any) Facts {
	t.Helper()
	all := map[string]any{}
	for _, l := range layers {
		maps.Copy(all, l)
	}
	b, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var x tableFacts
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&x); err != nil {
		t.Fatal(err)
	}
	return x.facts()
}

var uses = map[string]Use{"": AnyUse, "own": OwnUse, "right": ForOrganiser, "disclosed": Disclosed}
var audiences = map[string]Audience{"": Professional, "citizen": Citizen, "guardian": Guardian}

func (x *tableFacts) facts() Facts {
	f := Facts{At: from(x.At), Client: Client{x.Minor, x.Protected}}
	f.Requester = Requester{Audience: audiences[x.Audience], Organisation: x.Organisation, Unit: x.Unit, Own: x.Own, Public: x.Public,
		NotJoined: x.NotJoined, Profile: Profile(x.Profile), ServiceTasks: x.ServiceTasks, Services: x.Services, Use: uses[x.Use],
		SpecialReason: x.SpecialReason, WideSearch: x.WideSearch, Strong: x.Strong, Nullified: x.NullifiedAsked}
	for _, t := range x.Tasks {
		f.Requester.Tasks = append(f.Requester.Tasks, WorkTask(t))
	}
	f.Document = Document{ID: x.ID, Set: x.Set, Controller: x.Controller, Phase: Phase(x.Phase), General: x.General, Specific: x.Specific,
		Tasks: x.DocTasks, Service: x.Service, Case: x.Case, Relationship: x.Relationship, Effective: from(x.Written),
		Nullified: x.Nullified, MinorConsent: x.Consent, Restriction: x.Restriction, Later: x.Later}
	s := &f.State
	s.Informed, s.RelationshipElsewhere = from(x.Informed), x.Elsewhere
	if x.Permission == "positive" || x.Permission == "negative" {
		s.Permission = &PermissionState{"P", x.Permission == "positive", from(x.Given)}
	}
	for _, p := range x.Prohibitions {
		s.Prohibitions = append(s.Prohibitions, ProhibitionState{"K", Level(p.Level), p.Target})
	}
	for _, u := range x.Units {
		s.Units = append(s.Units, UnitState{u.Organiser, u.Unit, u.Task, from(u.From), from(u.Until)})
	}
	for _, r := range x.Rights {
		s.Rights = append(s.Rights, Right{ID: "R/" + r.Task + "/" + r.Unit, Organiser: r.Organiser, Task: r.Task, Unit: r.Unit,
			From: from(r.From), Until: from(r.Until), Cases: r.Cases, Suspended: r.Suspended, NoContract: r.NoContract})
	}
	for _, r := range x.Relationships {
		s.Relationships = append(s.Relationships, RelationshipState{ID: r.ID, From: from(r.From), Until: from(r.Until)})
	}
	return f
}

// told is a decision as the table's want.
func told(d Decision) string {
	if d.Outcome == Given {
		return "given " + string(d.Ground.Kind)
	}
	return string(d.Outcome) + " " + d.Rule
}

// layers gives the layers of a case over the base.
func (f *tableFile) layers(c *tableCase) []map[string]any {
	out := []map[string]any{f.Base}
	switch c.Base {
	case "right":
		right := maps.Clone(f.Product.Dims["path"]["right"]["rights"].([]any)[0].(map[string]any))
		maps.Copy(right, c.Right)
		out = append(out, f.Product.Dims["path"]["right"], map[string]any{"rights": []any{right}})
	case "mine":
		out = append(out, map[string]any{"organisation": "A", "unit": "A1",
			"relationships": []any{map[string]any{"id": "R", "from": "2026-01-01"}}})
		if c.TheCase == nil && !c.NoCase {
			c.TheCase = &theCase{Controller: "A", Task: "24"}
		}
	}
	return append(out, c.Set)
}

func TestDecisionTable(t *testing.T) {
	f := readTable(t)
	for _, c := range f.Cases {
		t.Run(c.ID+" "+c.Name, func(t *testing.T) {
			facts := build(t, f.layers(&c)...)
			if c.Op == "store" {
				facts.Operation = Store
			}
			if k := c.TheCase; k != nil {
				facts.State.Case = &CaseState{ID: "C", Controller: k.Controller, Task: k.Task, Closed: from(k.Closed), Strangers: k.Strangers}
			}
			d := Decide(facts)
			if got := told(d); got != c.Want {
				t.Errorf("%s, want %s\n%s", got, c.Want, d.Text("en"))
			}
			if (c.Remark != "") != (len(d.Remarks) > 0) || c.Remark != "" && !slices.Contains(d.Remarks, c.Remark) {
				if c.Remark != "" || !slices.Equal(d.Remarks, []string{RuleOwnConnection}) {
					t.Errorf("remarks %v, want %q", d.Remarks, c.Remark)
				}
			}
			if c.Suspicious != nil && d.Suspicious != *c.Suspicious || d.Protected != c.Protected {
				t.Errorf("suspicious %v, protected %v", d.Suspicious, d.Protected)
			}
		})
	}
	if len(f.Cases) < 70 {
		t.Errorf("only %d cases", len(f.Cases))
	}
}

// TestEveryCombination holds Decide against the order of conditions as data, for
// every combination of the dimensions.
func TestEveryCombination(t *testing.T) {
	f := readTable(t)
	dims := slices.Sorted(maps.Keys(f.Product.Dims))
	hits, n := map[int]int{}, 0
	var walk func(i int, chosen map[string]string)
	walk = func(i int, chosen map[string]string) {
		if i == len(dims) {
			n++
			layers := []map[string]any{f.Base}
			for _, d := range dims {
				if d != "path" && (d != "connection" || chosen["path"] == "other") && (d != "wide" || chosen["path"] == "other") {
					layers = append(layers, f.Product.Dims[d][chosen[d]])
				}
			}
			layers = append(layers, f.Product.Dims["path"][chosen["path"]])
			line, want := f.expected(chosen)
			hits[line]++
			if d := Decide(build(t, layers...)); told(d) != want {
				t.Fatalf("%v: %s, want %s\n%s", chosen, told(d), want, d.Text("en"))
			}
			return
		}
		for _, v := range slices.Sorted(maps.Keys(f.Product.Dims[dims[i]])) {
			chosen[dims[i]] = v
			walk(i+1, chosen)
		}
	}
	walk(0, map[string]string{})
	for i, e := range f.Product.Expect {
		if hits[i] == 0 {
			t.Errorf("no combination comes to %v", e)
		}
	}
	t.Logf("%d combinations", n)
}

// expected gives the first line that fits.
func (f *tableFile) expected(chosen map[string]string) (int, string) {
	for i, e := range f.Product.Expect {
		fits := true
		for dim, v := range e {
			fits = fits && (dim == "want" || chosen[dim] == v)
		}
		if fits {
			return i, e["want"]
		}
	}
	return -1, ""
}

func TestDecree457Table(t *testing.T) {
	f := readTable(t)
	rows := map[string]bool{}
	for _, c := range f.WorkTasks {
		q := Requester{Organisation: "B", Tasks: []WorkTask{WorkTask(c.Task)}, ServiceTasks: c.St, Services: c.Sv}
		d := Document{Controller: "A", Phase: Phase2, General: c.Doc.General, Specific: c.Doc.Specific, Service: c.Doc.Service}
		if c.Doc.Phase != "" {
			d.Phase = Phase(c.Doc.Phase)
		}
		if c.Doc.Task != "" {
			d.Tasks = []string{c.Doc.Task}
		}
		if c.Own {
			q.Own = []string{"A"}
		}
		row := matrix().allows(&q, &d)
		if (row != nil) != c.Within {
			t.Errorf("§ %s: %s of %+v: within %v", c.Law, c.Task, c.Doc, row != nil)
		}
		if row != nil {
			rows[row.ID] = true
			if row.Task != WorkTask(c.Task) || !strings.HasPrefix(row.Law, "457/2024 § ") {
				t.Errorf("row %+v", row)
			}
		}
	}
	for _, r := range matrix().Rows {
		if !rows[r.ID] {
			t.Errorf("no line of the table is within row %s", r.ID)
		}
	}
}

func TestMatrixRefusesWordsItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"tasks: [all]", "tasks: [every]"}, {"services: own-task, law", "services: mine, law"}, {"only_for: [mediation]", "only_for: [x]"},
		{"register: own", "register: any"}, {"kinds: contracts", "kinds: x"}, {"own: [disability", "own: [x"},
		{"except: {services: [shelter]", "except: {services: [x]"}, {"rows:", "rows: ["},
	} {
		changed := strings.Replace(string(worktasksYAML), c.from, c.to, 1)
		if changed == string(worktasksYAML) {
			t.Fatalf("%s does not stand in the file", c.from)
		}
		if _, err := readMatrix([]byte(changed)); err == nil {
			t.Errorf("%s is taken", c.to)
		}
	}
	m, err := matrix().withCodes(map[string]string{"elderly": "44", "mediation": "55"})
	if err != nil {
		t.Fatal(err)
	}
	q := &Requester{Tasks: []WorkTask{"arranging"}}
	d := &Document{Phase: Phase2, Tasks: []string{"44"}}
	if m.allows(q, d) == nil || matrix().allows(q, d) != nil {
		t.Error("a code given by settings does not count, or counts everywhere")
	}
	if _, err := matrix().withCodes(map[string]string{"x": "1"}); err == nil {
		t.Error("a code for an unknown task is taken")
	}
}
