package logs

import "encoding/json"

// Detail is what a log row tells beside its columns: whatever else supervision needs
// (LOG-1, LOG-2; law 703/2023, section 10). It is part of the row's sealed payload.
type Detail struct {
	// Message is the message's id, Query that of the query it asked.
	Message        string `json:"message,omitempty"`
	Query          string `json:"query,omitempty"`
	ServiceRequest string `json:"serviceRequest,omitempty"`
	// Unit is the user's unit, Case the case (asia) in which the data were used.
	Unit string `json:"unit,omitempty"`
	Case string `json:"case,omitempty"`
	// SpecialReason is the code of erityinen syy where there was no case connection.
	SpecialReason string `json:"specialReason,omitempty"`
	// Documents are those that a search gave, Asked what was asked for.
	Documents []string            `json:"documents,omitempty"`
	Asked     map[string][]string `json:"asked,omitempty"`
	// What the document used is: group, types, service tasks, and who organised and
	// produced the service.
	Group        string   `json:"group,omitempty"`
	GeneralType  string   `json:"generalType,omitempty"`
	SpecificType string   `json:"specificType,omitempty"`
	Tasks        []string `json:"tasks,omitempty"`
	Organiser    string   `json:"organiser,omitempty"`
	Provider     string   `json:"provider,omitempty"`
	// PurposeText and GroundText are purpose and ground in words, where they came so.
	PurposeText string `json:"purposeText,omitempty"`
	GroundText  string `json:"groundText,omitempty"`
	// ClientName is the client's name; ClientAddress and UserAddress are known only
	// where data tell them, which messages to the archive do not.
	ClientName    string `json:"clientName,omitempty"`
	ClientAddress string `json:"clientAddress,omitempty"`
	UserAddress   string `json:"userAddress,omitempty"`
}

// JSON gives the detail as a row keeps it.
func (d Detail) JSON() []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings only
	}
	return b
}

// ReadDetail reads the detail of a row; of rows of other forms it gives what fits.
func ReadDetail(b []byte) (d Detail) {
	_ = json.Unmarshal(b, &d) // another form has nothing to tell here
	return d
}
