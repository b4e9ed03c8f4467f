//go:build !noaws

package ecs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

var connect = func(cfg Config) (api, error) { return newSDK(cfg) }

// An sdk asks through AWS' own client. The credentials have to come from AWS' code in any case, and with it come the clients
// of STS and of IAM Identity Center. Requests of our own would save 3.1 MB and 4 ms of each start; they would also have to
// know AWS' partitions, FIPS endpoints, AWS_ENDPOINT_URL_ECS, retries, and what to do about a clock that is wrong.
type sdk struct {
	client           *ecs.Client
	cluster, service string
}

func newSDK(cfg Config) (*sdk, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRegion(cfg.Region),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.DisableKeepAlives = true // a reload must leave nothing behind
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP1(true)         // in HTTP/2 a server may ask for a request to be sent again
			t.TLSClientConfig.NextProtos = nil // AWS' own transport offers it
		})),
	}
	if cfg.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(cfg.Profile))
	}
	loaded, err := config.LoadDefaultConfig(context.Background(), options...) // it reads files and sends nothing
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of AWS: %w", err)
	}
	client := ecs.NewFromConfig(loaded, func(o *ecs.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
	})
	return &sdk{client: client, cluster: cfg.Cluster, service: cfg.Service}, nil
}

// describe implements api. It may be repeated, and the client does so.
func (s *sdk) describe(ctx context.Context) (*service, error) {
	out, err := s.client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &s.cluster, Services: []string{s.service}})
	if err != nil {
		return nil, explained(err)
	}
	if len(out.Services) == 1 {
		return known(&out.Services[0]), nil
	}
	for _, f := range out.Failures {
		if reason := aws.ToString(f.Reason); reason != "MISSING" {
			return nil, fmt.Errorf("ECS says %s: %s", reason, aws.ToString(f.Detail))
		}
	}
	return nil, nil //nolint:nilnil // nil stands for no such service
}

// A tracer sends the requests of one call, but not those for its credentials, and notes whether one may have been sent.
type tracer struct {
	ecs.HTTPClient
	connected bool
}

// Do implements ecs.HTTPClient.
func (t *tracer) Do(r *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { t.connected = true }})
	return t.HTTPClient.Do(r.WithContext(ctx))
}

// redeploy implements api. The client sends nothing again.
func (s *sdk) redeploy(ctx context.Context) (id string, sent bool, err error) {
	var t tracer
	out, err := s.client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: &s.cluster, Service: &s.service, ForceNewDeployment: true},
		func(o *ecs.Options) {
			t.HTTPClient = o.HTTPClient
			o.HTTPClient, o.Retryer = &t, aws.NopRetryer{}
		})
	if err != nil {
		return "", t.connected && !declined(err), explained(err)
	}
	if out.Service == nil {
		return "", true, errors.New("the answer has no service")
	}
	return known(out.Service).primary().id, true, nil
}

// declined reports whether ECS has said that it does nothing.
func declined(err error) bool {
	answer := (*awshttp.ResponseError)(nil)
	return errors.As(err, &answer) && 400 <= answer.HTTPStatusCode() && answer.HTTPStatusCode() <= 499
}

// explained returns an error in a few words, with what to do about it. The client's own error has a text for each of its layers.
func explained(err error) error {
	answer := smithy.APIError(nil)
	if !errors.As(err, &answer) || answer.ErrorCode() == "" { // not an answer of ECS
		return err
	}
	text := fmt.Errorf("ECS answered %s: %s", answer.ErrorCode(), answer.ErrorMessage())
	switch answer.ErrorCode() {
	case "AccessDeniedException":
		return fmt.Errorf("%w; want a policy as in examples/ecs/iam-policy.json", text)
	case "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException":
		return fmt.Errorf("%w; the credentials are expired, or of another account", text)
	case "ClusterNotFoundException":
		return fmt.Errorf("%w; want a cluster of this account and region", text)
	default:
		return text
	}
}

// known returns the part of a service that is used.
func known(s *types.Service) *service {
	out := &service{
		lifecycle: aws.ToString(s.Status), desired: int(s.DesiredCount), running: int(s.RunningCount),
		daemon: s.SchedulingStrategy == types.SchedulingStrategyDaemon, minPercent: 100, maxPercent: 200, // as ECS has it
	}
	if c := s.DeploymentController; c != nil {
		out.controller = string(c.Type)
	}
	if c := s.DeploymentConfiguration; c != nil {
		out.strategy = string(c.Strategy)
		if c.MinimumHealthyPercent != nil {
			out.minPercent = int(*c.MinimumHealthyPercent)
		}
		if c.MaximumPercent != nil {
			out.maxPercent = int(*c.MaximumPercent)
		}
	}
	for i := range s.Deployments {
		d := &s.Deployments[i]
		out.deployments = append(out.deployments, deployment{
			id: aws.ToString(d.Id), primary: aws.ToString(d.Status) == "PRIMARY", state: string(d.RolloutState),
			reason: aws.ToString(d.RolloutStateReason), created: aws.ToTime(d.CreatedAt),
		})
	}
	return out
}
