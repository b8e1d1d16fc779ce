(* Family KR: can the routing decision be read off the attention keys alone?
   Vectors are real columns over an arbitrary real field (real closed where a
   square root occurs).  K is the stacked key matrix and G the router matrix,
   gains absorbed; TopK is any top-k rule, tie-breaking being free up to the
   invariances each theorem names (TopK.v exhibits a rule with all of them). *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp.
From Routegauge Require Import FieldTactics InnerProduct TopK.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* r is a function of the summary S on the domain X. *)
Definition factors (T Key Route : Type) (X : T -> Prop) (r : T -> Route)
    (S : T -> Key) :=
  exists f : Key -> Route, forall x, X x -> r x = f (S x).

Lemma factors_collision T Key Route (X : T -> Prop) (r : T -> Route) (S : T -> Key) x x' :
  factors X r S -> X x -> X x' -> S x = S x' -> r x = r x'.
Proof. by case=> f hf Xx Xx' e; rewrite !hf // e. Qed.

(* KR-1. On a domain X the route is a function of the summary exactly when no
   two inputs of X share the summary and differ in the route.  (Routes are
   assumed to exist at all: r0.) *)
Theorem KR_1_factorisation_criterion (T Key Route : Type) (r0 : Route)
    (X : T -> Prop) (r : T -> Route) (S : T -> Key) :
  factors X r S <-> (forall x x', X x -> X x' -> S x = S x' -> r x = r x').
Proof.
split; first by move=> h x x' Xx Xx' e; exact: (factors_collision h Xx Xx' e).
move=> h; have /choice[f hf] : forall s, exists v : Route,
    forall x, X x -> S x = s -> v = r x.
  move=> s.
  have [[x [Xx Sx]]|none] := pselect (exists x, X x /\ S x = s).
    by exists (r x) => x' Xx' Sx'; apply: h; rewrite ?Sx.
  by exists r0 => x Xx Sx; case: none; exists x.
by exists f => x Xx; rewrite (hf (S x) x).
Qed.

(* Expert centering C_E = I - 11^T/E. *)
Definition centering (R : realFieldType) (E : nat) : 'M[R]_E :=
  1%:M - E%:R^-1 *: const_mx 1.

Section Linear.
Variables (R : realFieldType) (m D E k : nat).
Hypothesis hk : (0 < k < E)%N.
Variable TopK : 'cV[R]_E -> {set 'I_E}.
Hypothesis topkP : topk_rule k TopK.
Hypothesis topk_shift : shift_invariant TopK.
Implicit Types (K : 'M[R]_(m, D)) (G : 'M[R]_(E, D)).
Add Field linear_field : (mc_field_theory R).

Lemma E_neq0 : E%:R != 0 :> R.
Proof. by case/andP: hk => h1 h2; rewrite pnatr_eq0 -lt0n (ltn_trans h1 h2). Qed.

Lemma centering_const (a : 'cV[R]_E) :
  (forall i j, a i 0 = a j 0) -> centering R E *m a = 0.
Proof.
move=> h; rewrite mulmxBl mul1mx -scalemxAl; apply/matrixP => i j.
rewrite !mxE ord1 (eq_bigr (fun=> a i 0)); last by move=> l _; rewrite mxE mul1r (h i l).
by rewrite sumr_const card_ord -[a i 0 *+ E]mulr_natl mulKf ?E_neq0 // subrr.
Qed.

Lemma centering_eq0 (a : 'cV[R]_E) :
  centering R E *m a = 0 -> exists c, a = const_mx c.
Proof.
rewrite mulmxBl mul1mx -scalemxAl => /eqP; rewrite subr_eq0 => /eqP h.
exists (E%:R^-1 * \sum_l a l 0); apply/matrixP => i j; rewrite [in LHS]h !mxE ord1.
by congr (_ * _); apply: eq_bigr => l _; rewrite mxE mul1r.
Qed.

(* Row space inclusion is kernel inclusion. *)
Lemma rowspace_kernel p q n (A : 'M[R]_(p, n)) (B : 'M[R]_(q, n)) :
  (A <= B)%MS <-> (forall z : 'cV_n, B *m z = 0 -> A *m z = 0).
Proof.
split=> [/submxP[W ->] z hz|h]; first by rewrite -mulmxA hz mulmx0.
rewrite submxE; apply/eqP/matrixP => i j.
have hB : B *m (cokermx B *m delta_mx j (0 : 'I_1)) = 0.
  by rewrite mulmxA mulmx_coker mul0mx.
by have := h _ hB; rewrite mulmxA -colE => /matrixP/(_ i 0); rewrite !mxE.
Qed.

(* The linear surrogate G K^+ reproduces the router up to a common shift. *)
Lemma surrogate_topk K G x :
  (centering R E *m G <= K)%MS -> TopK (G *m x) = TopK (G *m pinvmx K *m (K *m x)).
Proof.
move=> /submxP[W hW].
have e : centering R E *m (G *m x - G *m pinvmx K *m (K *m x)) = 0.
  have hKK : K *m pinvmx K *m K = K by rewrite mulmxKpV.
  move: (pinvmx K) hKK => Kp hKK.
  rewrite mulmxBr !mulmxA hW -(mulmxA W K Kp) -(mulmxA W _ K) hKK.
  by rewrite subrr.
have [c hc] := centering_eq0 e.
by rewrite -(topk_shift (G *m pinvmx K *m (K *m x)) c) -hc addrC subrK.
Qed.

(* KR-2. A linear top-k router factors through a linear key map exactly when
   every direction the keys cannot see shifts all expert logits equally, i.e.
   when the row space of the expert-centred router lies in the row space of the
   key matrix.  The domain may be all of R^D or any set that contains some
   positive multiple of z and of -z for every z in the kernel of K. *)
Theorem KR_2_a_linear_core (X : 'cV[R]_D -> Prop) K G :
  (forall z : 'cV_D, K *m z = 0 -> exists t, [/\ 0 < t, X (t *: z) & X (- (t *: z))]) ->
  factors X (fun x => TopK (G *m x)) (fun x => K *m x) <->
  (forall z : 'cV_D, K *m z = 0 -> centering R E *m G *m z = 0).
Proof.
move=> hX; split=> [fac z Kz|/rowspace_kernel hG].
  have [t [t0 Xz Xnz]] := hX z Kz.
  have keq : K *m (t *: z) = K *m - (t *: z).
    by rewrite mulmxN -scalemxAr Kz scaler0 oppr0.
  have tk := factors_collision fac Xz Xnz keq.
  have h1 := topkP (G *m (t *: z)).
  have h2 := topkP (G *m - (t *: z)); rewrite -tk mulmxN in h2.
  have h := topk_opp_const hk h1 h2.
  have : t *: (centering R E *m G *m z) = 0.
    by rewrite scalemxAr -mulmxA centering_const.
  by move/eqP; rewrite scaler_eq0 (gt_eqF t0) => /eqP.
by exists (fun y => TopK (G *m pinvmx K *m y)) => x _; apply: surrogate_topk.
Qed.

Theorem KR_2_b_kernel_is_row_space K G :
  (forall z : 'cV_D, K *m z = 0 -> centering R E *m G *m z = 0) <->
  (centering R E *m G <= K)%MS.
Proof. by rewrite rowspace_kernel. Qed.

Theorem KR_2_c_linear_core_everywhere K G :
  factors (fun=> True) (fun x => TopK (G *m x)) (fun x => K *m x) <->
  (centering R E *m G <= K)%MS.
Proof.
rewrite -KR_2_b_kernel_is_row_space; apply: KR_2_a_linear_core => z _.
by exists 1; rewrite ltr01.
Qed.

(* KR-4. (a) If the centred router has larger rank than the key matrix, the
   router does not factor through the keys. *)
Theorem KR_4_a_rank_obstruction K G :
  (\rank K < \rank (centering R E *m G))%N ->
  ~ factors (fun=> True) (fun x => TopK (G *m x)) (fun x => K *m x).
Proof.
by move=> h /KR_2_c_linear_core_everywhere /mxrankS; rewrite leqNgt h.
Qed.

(* KR-4. (b) With fewer key dimensions than model width a generic router does
   not factor: every exceptional router matrix lies in the kernel of one fixed
   non-zero linear form, a proper hyperplane, as the catalogue says. *)
Theorem KR_4_b_generic_impossibility K : (m < D)%N ->
  exists L : {scalar 'M[R]_(E, D)}, (exists G, L G != 0) /\
    forall G, L G != 0 ->
      ~ factors (fun=> True) (fun x => TopK (G *m x)) (fun x => K *m x).
Proof.
move=> mD; case/andP: hk => k0 kE.
have E2 : (1 < E)%N by apply: leq_ltn_trans kE.
pose i0 : 'I_E := Ordinal (ltn_trans (ltn0Sn 0) E2); pose i1 : 'I_E := Ordinal E2.
have [z [Kz z0]] : exists z : 'cV[R]_D, K *m z = 0 /\ z != 0.
  have : kermx K^T != 0.
    by rewrite kermx_eq0 -row_leq_rank -ltnNge mxrank_tr (leq_ltn_trans (rank_leq_row _)).
  case/rowV0Pn => v /sub_kermxP hv v0; exists v^T; split.
    by rewrite -[K]trmxK -trmx_mul hv trmx0.
  by apply: contra v0 => /eqP h; rewrite -[v]trmxK h trmx0.
pose L0 (G : 'M[R]_(E, D)) : R := (G *m z) i0 0 - (G *m z) i1 0.
have L0lin : scalar L0.
  move=> a A B; rewrite /L0 mulmxDl -scalemxAl !mxE.
  by mring R.
exists (Linear L0lin); split.
  have [j zj] : exists j, z j 0 != 0.
    apply/existsP; rewrite -negb_forall; apply: contra z0 => /forallP h.
      by apply/eqP/matrixP => a b; rewrite ord1 mxE; exact/eqP/h.
  exists (delta_mx i0 j); rewrite /= /L0 !mxE (bigD1 j) //= mxE !eqxx mul1r.
  rewrite !big1 ?addr0 ?subr0 //.
    by move=> l _; rewrite mxE (_ : (i1 == i0) = false) ?mul0r.
  by move=> l lj; rewrite mxE (negPf lj) andbF mul0r.
move=> G LG /KR_2_c_linear_core_everywhere /KR_2_b_kernel_is_row_space /(_ z Kz).
rewrite -mulmxA => /centering_eq0 [c hc]; case/negP: LG.
by rewrite /= /L0 hc !mxE subrr.
Qed.

End Linear.

Section RmsNorm.
Variables (R : rcfType) (D : nat).
Implicit Types (x z g : 'cV[R]_D) (eps c : R).
Add Field rmsnorm_field : (mc_field_theory R).

(* rho(x) = sqrt(|x|^2/D + eps) and RMSNorm with gain vector g. *)
Definition rho eps x : R := Num.sqrt (dot x x / D%:R + eps).
Definition rmsnorm eps g x : 'cV[R]_D := (rho eps x)^-1 *: (diag_mx g^T *m x).

Lemma width_gt0 x : x != 0 -> 0 < D%:R :> R.
Proof.
move=> x0; rewrite ltr0n lt0n; apply: contra x0 => /eqP D0.
by apply/eqP/matrixP => i; suff : (i < 0)%N by []; rewrite -D0.
Qed.

Lemma rho_gt0 eps x : 0 <= eps -> x != 0 -> 0 < rho eps x.
Proof.
move=> e0 x0; rewrite sqrtr_gt0 ltr_paddr // divr_gt0 ?dot_gt0 //.
exact: width_gt0 x0.
Qed.

Lemma rho_ge0 eps x : 0 <= rho eps x.
Proof. exact: sqrtr_ge0. Qed.

Lemma rho_sqr eps x : 0 <= eps -> rho eps x ^+ 2 = dot x x / D%:R + eps.
Proof. by move=> e0; rewrite sqr_sqrtr // addr_ge0 // divr_ge0 ?dot_ge0 ?ler0n. Qed.

Lemma rhoN eps x : rho eps (- x) = rho eps x.
Proof. by rewrite /rho dotNl dotNr opprK. Qed.

Lemma rho0Z c x : 0 < c -> rho 0 (c *: x) = c * rho 0 x.
Proof.
move=> c0; rewrite /rho dotZl dotZr !addr0 !mulrA -expr2 -mulrA sqrtrM ?sqr_ge0 //.
by rewrite sqrtr_sqr gtr0_norm.
Qed.

Lemma rmsnormN eps g x : rmsnorm eps g (- x) = - rmsnorm eps g x.
Proof. by rewrite /rmsnorm rhoN mulmxN scalerN. Qed.

Lemma rmsnorm0Z c g x : 0 < c -> x != 0 -> rmsnorm 0 g (c *: x) = rmsnorm 0 g x.
Proof.
move=> c0 x0; rewrite /rmsnorm rho0Z // -scalemxAr scalerA invfM.
by rewrite mulrAC mulVf ?mul1r // gt_eqF.
Qed.

Lemma mul_rmsnorm p (W : 'M[R]_(p, D)) eps g x :
  W *m rmsnorm eps g x = (rho eps x)^-1 *: (W *m diag_mx g^T *m x).
Proof. by rewrite /rmsnorm -scalemxAr mulmxA. Qed.

End RmsNorm.

Section Routers.
Variables (R : rcfType) (m D E k : nat).
Hypothesis hk : (0 < k < E)%N.
Variable TopK : 'cV[R]_E -> {set 'I_E}.
Hypothesis topkP : topk_rule k TopK.
Hypothesis topk_shift : shift_invariant TopK.
Hypothesis topk_scale : scale_invariant TopK.
Implicit Types (WK : 'M[R]_(m, D)) (Wg : 'M[R]_(E, D)) (x z : 'cV[R]_D).
Add Field routers_field : (mc_field_theory R).

Lemma topk_rmsnorm Wg eps g x : 0 <= eps ->
  TopK (Wg *m rmsnorm eps g x) = TopK (Wg *m diag_mx g^T *m x).
Proof.
move=> e0; rewrite mul_rmsnorm; have [->|x0] := eqVneq x 0.
  by rewrite mulmx0 scaler0.
by rewrite topk_scale // invr_gt0 rho_gt0.
Qed.

(* KR-3. (a) If router and keys read the same residual x (parallel block, no
   router bias), the RMS normalisations in front of both change nothing: on the
   non-zero residuals the router factors through the keys exactly under KR-2's
   row-space condition, whatever the two epsilons and gains. *)
Theorem KR_3_a_rmsnorm_changes_nothing WK Wg (g1 g2 : 'cV[R]_D) (eps1 eps2 : R) :
  0 <= eps1 -> 0 <= eps2 ->
  factors (fun x => x != 0) (fun x => TopK (Wg *m rmsnorm eps2 g2 x))
    (fun x => WK *m rmsnorm eps1 g1 x) <->
  (centering R E *m (Wg *m diag_mx g2^T) <= WK *m diag_mx g1^T)%MS.
Proof.
move=> e1 e2; split=> [fac|sub].
  apply/rowspace_kernel => z Kz; have [->|z0] := eqVneq z 0; first by rewrite mulmx0.
  have nz0 : - z != 0 by rewrite oppr_eq0.
  have keq : WK *m rmsnorm eps1 g1 z = WK *m rmsnorm eps1 g1 (- z).
    by rewrite rmsnormN mulmxN mul_rmsnorm Kz scaler0 oppr0.
  have tk := factors_collision fac z0 nz0 keq.
  have h1 := topkP (Wg *m rmsnorm eps2 g2 z).
  have h2 := topkP (Wg *m rmsnorm eps2 g2 (- z)).
  rewrite -tk rmsnormN mulmxN in h2.
  have := centering_const hk (topk_opp_const hk h1 h2).
  rewrite mul_rmsnorm -scalemxAr mulmxA => /eqP.
  by rewrite scaler_eq0 invr_eq0 (gt_eqF (rho_gt0 e2 z0)) => /eqP.
exists (fun y => TopK (Wg *m diag_mx g2^T *m pinvmx (WK *m diag_mx g1^T) *m y)) => x x0.
rewrite topk_rmsnorm // (surrogate_topk topk_shift x sub) mul_rmsnorm -scalemxAr.
by rewrite topk_scale // invr_gt0 rho_gt0.
Qed.

(* KR-3. (b) With a router bias the positive direction survives when both norms
   use the same epsilon. *)
Theorem KR_3_b_bias_same_epsilon WK Wg (g1 g2 : 'cV[R]_D) (eps : R) (b : 'cV[R]_E) :
  (centering R E *m (Wg *m diag_mx g2^T) <= WK *m diag_mx g1^T)%MS ->
  factors (fun=> True) (fun x => TopK (Wg *m rmsnorm eps g2 x + b))
    (fun x => WK *m rmsnorm eps g1 x).
Proof.
move=> sub.
exists (fun y => TopK (Wg *m diag_mx g2^T *m pinvmx (WK *m diag_mx g1^T) *m y + b)) => x _.
have shiftb : shift_invariant (fun s => TopK (s + b)).
  by move=> s c; rewrite addrAC topk_shift.
have := surrogate_topk shiftb ((rho eps x)^-1 *: x) sub.
by rewrite !mul_rmsnorm -!scalemxAr.
Qed.

(* KR-5. (a) If the stacked key matrix has full column rank (for instance is
   square and invertible), a pre-attention router does factor exactly, through
   one fixed linear readout, also when keys carry any positive scalar such as a
   full-width norm.  This refutes the unconditional "architecturally
   impossible". *)
Theorem KR_5_a_full_rank_keys_suffice (K : 'M[R]_(m, D)) (G : 'M[R]_(E, D)) :
  row_full K -> forall (x : 'cV[R]_D) (c : R), 0 < c ->
  TopK (G *m x) = TopK (G *m pinvmx K *m (c *: (K *m x))).
Proof.
move=> fullK x c c0; rewrite -scalemxAr topk_scale //; congr TopK.
have := mulVpmx fullK; move: (pinvmx K) => Kp h.
by rewrite -mulmxA (mulmxA Kp) h mul1mx.
Qed.

(* KR-5. (b) The same with the norms written out: RMSNorm before the keys, a
   full-width QK-norm with non-zero gains after them, RMSNorm before the
   router. *)
Theorem KR_5_b_full_width_qknorm WK Wg (g1 g2 : 'cV[R]_D) (gq : 'cV[R]_m)
    (eps1 eps2 epsq : R) :
  0 <= eps1 -> 0 <= eps2 -> 0 <= epsq -> (forall i, gq i 0 != 0) ->
  row_full (WK *m diag_mx g1^T) ->
  exists M : 'M[R]_(E, m), forall x, x != 0 ->
    TopK (Wg *m rmsnorm eps2 g2 x) =
    TopK (M *m rmsnorm epsq gq (WK *m rmsnorm eps1 g1 x)).
Proof.
move=> e1 e2 eq gq0 fullK; set K := WK *m diag_mx g1^T in fullK *.
pose gi : 'rV[R]_m := \row_i (gq i 0)^-1.
exists (Wg *m diag_mx g2^T *m pinvmx K *m diag_mx gi) => x x0.
have invg : diag_mx gi *m diag_mx gq^T = 1%:M.
  rewrite mulmx_diag -diag_const_mx; congr diag_mx.
  by apply/rowP => i; rewrite !mxE mulVf.
have Kx0 : K *m x != 0.
  apply: contra x0 => /eqP Kx; have := mulVpmx fullK; move: (pinvmx K) => Kp h.
  by rewrite -[x]mul1mx -h -mulmxA Kx mulmx0.
set y := WK *m rmsnorm eps1 g1 x.
have yE : y = (rho eps1 x)^-1 *: (K *m x) by rewrite /y mul_rmsnorm.
have y0 : y != 0 by rewrite yE scaler_eq0 invr_eq0 (gt_eqF (rho_gt0 e1 x0)).
rewrite topk_rmsnorm // (KR_5_a_full_rank_keys_suffice _ fullK x (c := (rho epsq y)^-1 * (rho eps1 x)^-1));
  last by rewrite mulr_gt0 // invr_gt0 rho_gt0.
congr TopK; rewrite /rmsnorm -scalemxAr; move: (pinvmx K) => Kp.
rewrite -[in RHS]scalemxAr (mulmxA _ (diag_mx gq^T)) -(mulmxA _ (diag_mx gi)) invg mulmx1.
by rewrite yE -!scalemxAr scalerA.
Qed.

(* KR-6. (a) Context: if one residual is routed differently in two contexts,
   the post-attention router does not factor through any function S of the
   token's own residual, its keys of that layer in particular. *)
Theorem KR_6_a_context_breaks_own_key (Ctx Key : Type) Wg (g2 : 'cV[R]_D) (eps2 : R)
    (A : 'cV[R]_D -> Ctx -> 'cV[R]_D) (S : 'cV[R]_D -> Key) x (c c' : Ctx) :
  TopK (Wg *m rmsnorm eps2 g2 (x + A x c)) <>
    TopK (Wg *m rmsnorm eps2 g2 (x + A x c')) ->
  ~ factors (fun=> True) (fun p => TopK (Wg *m rmsnorm eps2 g2 (p.1 + A p.1 p.2)))
      (fun p => S p.1).
Proof. by move=> neq fac; apply: neq; apply: (factors_collision (x := (x, c)) (x' := (x, c')) fac). Qed.

(* At position 0 softmax has one key and weight 1, so attention is linear in the
   normalised residual: h(x) = x + M N1(x), M = W_O W_V. *)
Definition residual0 (M : 'M[R]_D) eps1 (g1 : 'cV[R]_D) x := x + M *m rmsnorm eps1 g1 x.

(* KR-6. (b) Scale: with epsilon 0 every function S of the normalised residual
   (the whole key of position 0 included) forgets the norm of x, so if the
   router factors, the choice at rho x + M N1(x) cannot depend on rho > 0. *)
Theorem KR_6_b_scale_must_not_matter (Key : Type) (S : 'cV[R]_D -> Key)
    (M : 'M[R]_D) Wg (g1 g2 : 'cV[R]_D) (eps2 : R) : 0 <= eps2 ->
  factors (fun x => x != 0)
    (fun x => TopK (Wg *m rmsnorm eps2 g2 (residual0 M 0 g1 x)))
    (fun x => S (rmsnorm 0 g1 x)) ->
  forall x (r : R), x != 0 -> 0 < r ->
    TopK (Wg *m diag_mx g2^T *m (r *: x + M *m rmsnorm 0 g1 x)) =
    TopK (Wg *m diag_mx g2^T *m (x + M *m rmsnorm 0 g1 x)).
Proof.
move=> e2 fac x r x0 r0.
have rx0 : r *: x != 0 by rewrite scaler_eq0 (gt_eqF r0).
have := factors_collision fac rx0 x0; rewrite /residual0 rmsnorm0Z // => /(_ erefl).
by rewrite !topk_rmsnorm.
Qed.

(* A large multiple of a strict score vector dominates any other one. *)
Lemma dominate (a b : 'cV[R]_E) T : is_strict_topk k a T ->
  exists2 r : R, 0 < r & is_strict_topk k (r *: a + b) T.
Proof.
case=> cT hT.
pose q (p : 'I_E * 'I_E) := `|b p.2 0 - b p.1 0| / `|a p.1 0 - a p.2 0|.
have q0 p : 0 <= q p by rewrite divr_ge0.
exists (1 + \sum_p q p); first by rewrite ltr_paddr ?sumr_ge0.
split=> // i j iT jT; rewrite !mxE.
have d0 : 0 < a i 0 - a j 0 by rewrite subr_gt0 hT.
rewrite -subr_gt0; set r := 1 + _.
have -> : r * a i 0 + b i 0 - (r * a j 0 + b j 0) = r * (a i 0 - a j 0) - (b j 0 - b i 0).
  by mring R.
rewrite subr_gt0 (le_lt_trans (ler_norm _)) //.
rewrite -ltr_pdivr_mulr // -[X in _ / X](gtr0_norm d0) /r.
apply: (@le_lt_trans _ _ (\sum_p q p)); last by rewrite ltr_addr ltr01.
by rewrite (bigD1 (i, j)) //= ler_addl sumr_ge0.
Qed.

(* KR-6. (c) Hence the router does not factor as soon as some x has one strict
   top-k set for its own direction and another for its attention part. *)
Theorem KR_6_c_scale_impossibility (Key : Type) (S : 'cV[R]_D -> Key)
    (M : 'M[R]_D) Wg (g1 g2 : 'cV[R]_D) (eps2 : R) x T T' : 0 <= eps2 -> x != 0 ->
  is_strict_topk k (Wg *m diag_mx g2^T *m x) T ->
  is_strict_topk k (Wg *m diag_mx g2^T *m (M *m rmsnorm 0 g1 x)) T' -> T != T' ->
  ~ factors (fun x => x != 0)
      (fun x => TopK (Wg *m rmsnorm eps2 g2 (residual0 M 0 g1 x)))
      (fun x => S (rmsnorm 0 g1 x)).
Proof.
move=> e2 x0 hT hT' neq fac; have h := KR_6_b_scale_must_not_matter e2 fac x0.
set G := Wg *m diag_mx g2^T in h hT hT'; set y := M *m _ in h hT'.
have [r r0 hr] := dominate (G *m y) hT.
have [r' r0' hr'] := dominate (G *m x) hT'.
case/eqP: neq; rewrite -(topk_rule_strict topkP hr) -(topk_rule_strict topkP hr').
rewrite scalemxAr -mulmxDr h // scalemxAr -mulmxDr.
have -> : r' *: y + x = r' *: (r'^-1 *: x + y).
  by rewrite scalerDr scalerA mulfV ?scale1r ?gt_eqF // addrC.
by rewrite -scalemxAr topk_scale // h // invr_gt0.
Qed.

(* KR-6. (d) Kernel: at position 0 a direction z that
   the keys cannot see sends both z and -z to the key 0 while h(-z) = -h(z), so
   the router does not factor unless its logits at h(z) are all equal. *)
Theorem KR_6_d_kernel_certificate WK (M : 'M[R]_D) Wg (g1 g2 : 'cV[R]_D)
    (eps1 eps2 : R) z : 0 <= eps2 -> z != 0 -> WK *m diag_mx g1^T *m z = 0 ->
  centering R E *m (Wg *m diag_mx g2^T *m residual0 M eps1 g1 z) != 0 ->
  ~ factors (fun x => x != 0)
      (fun x => TopK (Wg *m rmsnorm eps2 g2 (residual0 M eps1 g1 x)))
      (fun x => WK *m rmsnorm eps1 g1 x).
Proof.
move=> e2 z0 Kz hz fac; case/negP: hz; apply/eqP.
have nz0 : - z != 0 by rewrite oppr_eq0.
have keq : WK *m rmsnorm eps1 g1 z = WK *m rmsnorm eps1 g1 (- z).
  by rewrite rmsnormN mulmxN mul_rmsnorm Kz scaler0 oppr0.
have := factors_collision fac z0 nz0 keq; rewrite !topk_rmsnorm // => tk.
have hneg : residual0 M eps1 g1 (- z) = - residual0 M eps1 g1 z.
  by rewrite /residual0 rmsnormN mulmxN opprD.
rewrite hneg mulmxN in tk.
have h1 := topkP (Wg *m diag_mx g2^T *m residual0 M eps1 g1 z).
have h2 := topkP (- (Wg *m diag_mx g2^T *m residual0 M eps1 g1 z)).
rewrite -tk in h2.
exact: (centering_const hk (topk_opp_const hk h1 h2)).
Qed.

End Routers.
