(* The Gaussian integral, and what it gives: MR-3 for the normal law, DC-4.                        *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
Local Open Scope R_scope.

Definition bell (x : R) : R := exp (- (x ^ 2 / 2)).
Lemma is_derive_eq (f : R -> R) (x l l' : R) : is_derive f x l -> l = l' -> is_derive f x l'.
Proof. now intros d <-. Qed.

(* Its integral from 0 to x. *)
Definition half_bell (x : R) : R := RInt bell 0 x.

Lemma bell_gt0 x : 0 < bell x.
Proof. apply exp_pos. Qed.

Lemma bell_opp x : bell (- x) = bell x.
Proof. unfold bell; f_equal; field. Qed.

Lemma is_derive_bell (x : R) : is_derive bell x (- x * bell x).
Proof. unfold bell; auto_derive; [easy|unfold Rdiv; simpl; set (e := exp _); field]. Qed.

Lemma continuous_bell (x : R) : continuous bell x.
Proof. apply (ex_derive_continuous bell); eexists; apply is_derive_bell. Qed.

Lemma ex_RInt_bell a b : ex_RInt bell a b.
Proof. apply (ex_RInt_continuous bell); intros; apply continuous_bell. Qed.

Lemma is_derive_half_bell (x : R) : is_derive half_bell x (bell x).
Proof.
apply (is_derive_RInt bell half_bell 0 x).
- apply filter_forall; intro b; apply (RInt_correct bell), ex_RInt_bell.
- apply continuous_bell.
Qed.

Lemma half_bell_0 : half_bell 0 = 0.
Proof. unfold half_bell; now rewrite RInt_point. Qed.

Lemma half_bell_opp x : half_bell (- x) = - half_bell x.
Proof.
apply (is_RInt_unique bell).
apply (is_RInt_ext (fun y => opp (opp (bell (- y))))).
  intros y _; rewrite bell_opp; apply Ropp_involutive.
apply (is_RInt_opp (fun y => opp (bell (- y)))), (is_RInt_comp_opp bell).
rewrite Ropp_0, Ropp_involutive; apply (RInt_correct bell), ex_RInt_bell.
Qed.

(* The square of the integral up to x, and an integral over a fixed interval whose derivative is its *)
(* negative.                                                                                         *)
Definition polar (x t : R) : R := 2 * exp (- (x ^ 2 * (1 + t ^ 2) / 2)) / (1 + t ^ 2).

Lemma one_sqr t : 1 + t ^ 2 <> 0.
Proof. nra. Qed.

Lemma is_derive_polar (x t : R) :
  is_derive (fun u => polar u t) x (- (2 * x * exp (- (x ^ 2 * (1 + t ^ 2) / 2)))).
Proof. unfold polar; auto_derive; [easy|].
unfold Rdiv; simpl; set (e := exp _); field; nra.
Qed.

Lemma continuous_polar (x t : R) : continuous (polar x) t.
Proof. apply (ex_derive_continuous (polar x)); unfold polar; auto_derive; apply one_sqr. Qed.

Lemma is_derive_polar_integral (x : R) :
  is_derive (fun u => RInt (polar u) 0 1) x (- (2 * bell x * half_bell x)).
Proof.
replace (- (2 * bell x * half_bell x)) with (RInt (fun t => Derive (fun u => polar u t) x) 0 1).
- apply is_derive_RInt_param.
  + apply filter_forall; intros u t _; eexists; apply is_derive_polar.
  + intros t _.
    apply continuity_2d_pt_ext with (fun u v => - (2 * u * exp (- (u ^ 2 * (1 + v ^ 2) / 2)))).
      intros u v; symmetry; apply is_derive_unique, is_derive_polar.
    apply continuity_2d_pt_filterlim.
    apply (continuous_opp (fun p : R * R => 2 * fst p * exp (- (fst p ^ 2 * (1 + snd p ^ 2) / 2)))).
    apply (continuous_mult (K := R_AbsRing) (fun p : R * R => 2 * fst p)
             (fun p : R * R => exp (- (fst p ^ 2 * (1 + snd p ^ 2) / 2)))).
      apply (continuous_scal_r (K := R_AbsRing) (V := R_NormedModule) 2 (fun p : R * R => fst p)).
      apply continuous_fst.
    apply (continuous_comp (fun p : R * R => - (fst p ^ 2 * (1 + snd p ^ 2) / 2)) exp).
    2: apply (ex_derive_continuous exp); auto_derive; easy.
    apply (continuous_ext (fun p : R * R =>
             scal (- / 2) (mult (mult (fst p) (fst p)) (plus 1 (mult (snd p) (snd p)))))).
      intros p; unfold scal, mult, plus; simpl; unfold mult; simpl; field.
    apply (continuous_scal_r (K := R_AbsRing) (V := R_NormedModule)).
    apply (continuous_mult (K := R_AbsRing));
      [|apply (continuous_plus (V := R_NormedModule)); [apply continuous_const|]];
    apply (continuous_mult (K := R_AbsRing)); (apply continuous_fst || apply continuous_snd).
  + apply filter_forall; intro u; apply (ex_RInt_continuous (polar u)); intros; apply continuous_polar.
- apply (is_RInt_unique (fun t => Derive (fun u => polar u t) x)).
  apply (is_RInt_ext (fun t => scal (- 2 * bell x) (scal x (bell (x * t + 0))))).
    intros t _; transitivity (- (2 * x * exp (- (x ^ 2 * (1 + t ^ 2) / 2)))).
    2: symmetry; apply is_derive_unique, is_derive_polar.
    unfold scal, bell; simpl; unfold mult; simpl.
    replace (- (x * (x * 1) * (1 + t * (t * 1)) / 2))
      with (- (x * (x * 1) / 2) + - ((x * t + 0) * ((x * t + 0) * 1) / 2)) by field.
    rewrite exp_plus; ring.
  replace (- (2 * bell x * half_bell x)) with (scal (- 2 * bell x) (half_bell x))
    by (unfold scal; simpl; unfold mult; simpl; ring).
  apply (is_RInt_scal (fun t => scal x (bell (x * t + 0)))), (is_RInt_comp_lin bell x 0 0 1).
  replace (x * 0 + 0) with 0 by ring; replace (x * 1 + 0) with x by ring.
  apply (RInt_correct bell), ex_RInt_bell.
Qed.

Lemma half_bell_sqr x : half_bell x ^ 2 + RInt (polar x) 0 1 = PI / 2.
Proof.
pose (F u := half_bell u ^ 2 + RInt (polar u) 0 1).
assert (dF : forall u, is_derive F u 0).
  intro u; unfold F.
  apply (is_derive_eq _ _ (plus (INR 2 * bell u * half_bell u ^ 1) (- (2 * bell u * half_bell u)))).
    apply (is_derive_plus (fun u => half_bell u ^ 2)); [|apply is_derive_polar_integral].
    apply (is_derive_pow half_bell 2), is_derive_half_bell.
  unfold plus; simpl; ring.
change (F x = PI / 2); transitivity (F 0).
  destruct (MVT_gen F 0 x (fun _ => 0)) as [c [_ e]].
  - intros; apply dF.
  - intros u _; apply continuity_pt_filterlim, (ex_derive_continuous F); eexists; apply dF.
  - lra.
unfold F; rewrite half_bell_0.
rewrite (is_RInt_unique (polar 0) 0 1 (scal 2 (PI / 4))); [unfold scal; simpl; unfold mult; simpl; field|].
apply (is_RInt_ext (fun t => scal 2 (/ (1 + t ^ 2)))).
  intros t _; unfold polar, scal; simpl; unfold mult; simpl.
  replace (- (0 * (0 * 1) * (1 + t * (t * 1)) / 2)) with 0 by field.
  rewrite exp_0; field; nra.
apply (is_RInt_scal (fun t => / (1 + t ^ 2))).
replace (PI / 4) with (minus (atan 1) (atan 0)) by (rewrite atan_1, atan_0; unfold minus, plus, opp; simpl; ring).
apply (is_RInt_derive atan).
  intros t _; apply is_derive_Reals, derivable_pt_lim_atan.
intros t _; apply (ex_derive_continuous (fun t => / (1 + t ^ 2))); auto_derive; nra.
Qed.

Lemma bell_le x : 0 < x -> x * bell x <= 2 * / x.
Proof.
intros x0; assert (h := exp_ineq1_le (x ^ 2 / 2)).
unfold bell; rewrite exp_Ropp.
apply (Rmult_le_reg_r (exp (x ^ 2 / 2))); [apply exp_pos|].
apply (Rmult_le_reg_l x); [easy|].
replace (x * (x * / exp (x ^ 2 / 2) * exp (x ^ 2 / 2))) with (x ^ 2) by (field; apply Rgt_not_eq, exp_pos).
replace (x * (2 * / x * exp (x ^ 2 / 2))) with (2 * exp (x ^ 2 / 2)) by (field; lra).
lra.
Qed.

Lemma lim_inv2 : is_lim (fun x => 2 * / x) p_infty 0.
Proof.
replace (Finite 0) with (Rbar_mult 2 0) by (simpl; f_equal; ring).
apply (is_lim_scal_l (fun x => / x) 2 p_infty 0).
replace (Finite 0) with (Rbar_inv p_infty) by reflexivity.
apply is_lim_inv; [apply is_lim_id|easy].
Qed.

Lemma lim_x_bell : is_lim (fun x => x * bell x) p_infty 0.
Proof.
apply (is_lim_le_le_loc (fun _ => 0) (fun x => 2 * / x)); [|apply is_lim_const|apply lim_inv2].
exists 0; intros x x0; split; [|now apply bell_le].
apply Rmult_le_pos; [lra|apply Rlt_le, bell_gt0].
Qed.

Lemma lim_bell : is_lim bell p_infty 0.
Proof.
apply (is_lim_le_le_loc (fun _ => 0) (fun x => x * bell x)); [|apply is_lim_const|apply lim_x_bell].
exists 1; intros x x1; assert (h := bell_gt0 x); split; [lra|nra].
Qed.

Lemma lim_half_bell : is_lim half_bell p_infty (sqrt (PI / 2)).
Proof.
apply (is_lim_ext_loc (fun x => sqrt (PI / 2 - RInt (polar x) 0 1))).
  exists 0; intros x x0; rewrite <- (half_bell_sqr x).
  replace (half_bell x ^ 2 + RInt (polar x) 0 1 - RInt (polar x) 0 1) with (half_bell x ^ 2) by ring.
  apply sqrt_pow2; apply (RInt_ge_0 bell); [lra|apply ex_RInt_bell|intros; apply Rlt_le, bell_gt0].
apply (filterlim_comp _ _ _ (fun x => PI / 2 - RInt (polar x) 0 1) sqrt _ (locally (PI / 2))).
2: apply continuity_pt_filterlim, continuity_pt_sqrt; generalize PI_RGT_0; lra.
change (is_lim (fun x => PI / 2 - RInt (polar x) 0 1) p_infty (PI / 2)).
replace (Finite (PI / 2)) with (Finite (PI / 2 - 0)) by (f_equal; ring).
apply (is_lim_minus' (fun _ => PI / 2)); [apply is_lim_const|].
apply (is_lim_le_le_loc (fun _ => 0) (fun x => 2 * bell x)); [|apply is_lim_const|].
  exists 0; intros x x0; split.
    apply (RInt_ge_0 (polar x)); [lra| |].
      apply (ex_RInt_continuous (polar x)); intros; apply continuous_polar.
    intros t _; unfold polar; apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat; nra].
    generalize (exp_pos (- (x ^ 2 * (1 + t ^ 2) / 2))); lra.
  replace (2 * bell x) with (RInt (fun _ => 2 * bell x) 0 1)
    by (rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; ring).
  apply RInt_le; [lra| |apply ex_RInt_const|].
    apply (ex_RInt_continuous (polar x)); intros; apply continuous_polar.
  intros t _; unfold polar.
  assert (e : exp (- (x ^ 2 * (1 + t ^ 2) / 2)) <= bell x).
    unfold bell; apply Rnot_lt_le; intro h; apply exp_lt_inv in h; nra.
  apply (Rmult_le_reg_r (1 + t ^ 2)); [nra|].
  unfold Rdiv; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by nra.
  generalize (bell_gt0 x); nra.
replace (Finite 0) with (Rbar_mult 2 0) by (simpl; f_equal; ring).
apply (is_lim_scal_l bell 2 p_infty 0), lim_bell.
Qed.

Lemma lim_minus_infinity f (l : R) : is_lim (fun x => f (- x)) p_infty l -> is_lim f m_infty l.
Proof.
intros h P HP; destruct (h P HP) as [M hM]; exists (- M); intros x xM.
rewrite <- (Ropp_involutive x); apply hM; lra.
Qed.

Lemma is_RInt_gen_primitive (Fa Fb : (R -> Prop) -> Prop) (FFa : Filter Fa) (FFb : Filter Fb)
  (f F : R -> R) (la lb : R) :
  (forall x : R, is_derive F x (f x)) -> (forall x : R, continuous f x) ->
  filterlim F Fa (locally la) -> filterlim F Fb (locally lb) -> is_RInt_gen f Fa Fb (lb - la).
Proof.
intros dF cf limA limB; apply (is_RInt_gen_ext (Derive F)).
  apply filter_forall; intros ab x _; apply is_derive_unique, dF.
apply is_RInt_gen_Derive; [| |easy|easy]; apply filter_forall; intros ab x _.
  eexists; apply dF.
apply (continuous_ext f); [intro y; symmetry; apply is_derive_unique, dF|apply cf].
Qed.

(* The density of the normal law of mean 0 and variance 1. *)
Definition normal (x : R) : R := bell x / sqrt (2 * PI).
(* The mean of h under it, as an improper integral. *)
Definition normal_mean (h : R -> R) (m : R) : Prop :=
  is_RInt_gen (fun x => h x * normal x) (Rbar_locally m_infty) (Rbar_locally p_infty) m.

Lemma sqrt_2PI_gt0 : 0 < sqrt (2 * PI).
Proof. apply sqrt_lt_R0; generalize PI_RGT_0; lra. Qed.

Lemma sqrt_half_PI : 2 * sqrt (PI / 2) = sqrt (2 * PI).
Proof.
generalize PI_RGT_0; intro p; rewrite <- (sqrt_pow2 2) at 1 by lra.
rewrite <- sqrt_mult by lra; f_equal; field.
Qed.

(* A primitive of (a + b x + c x^2) times the bell curve, and its limits. *)
Definition bell_primitive (a b c x : R) : R := (a + c) * half_bell x - b * bell x - c * (x * bell x).

Lemma is_derive_bell_primitive a b c (x : R) :
  is_derive (bell_primitive a b c) x ((a + b * x + c * x ^ 2) * bell x).
Proof.
apply (is_derive_eq _ _ ((a + c) * bell x - b * (- x * bell x) - c * (1 * bell x + x * (- x * bell x)))); [|ring].
unfold bell_primitive.
apply (is_derive_minus (fun x => (a + c) * half_bell x - b * bell x) (fun x => c * (x * bell x))).
  apply (is_derive_minus (fun x => (a + c) * half_bell x) (fun x => b * bell x)).
    apply is_derive_scal, is_derive_half_bell.
  apply is_derive_scal, is_derive_bell.
apply is_derive_scal, (is_derive_mult (fun x => x) bell); [exact (@is_derive_id R_AbsRing x)|apply is_derive_bell|].
intros u v; apply Rmult_comm.
Qed.

Lemma continuous_quadratic_bell a b c (x : R) : continuous (fun x => (a + b * x + c * x ^ 2) * bell x) x.
Proof.
apply (continuous_mult (fun x => a + b * x + c * x ^ 2) bell); [|apply continuous_bell].
apply (ex_derive_continuous (fun x => a + b * x + c * x ^ 2)); auto_derive; easy.
Qed.

Lemma lim_bell_primitive a b c : is_lim (bell_primitive a b c) p_infty ((a + c) * sqrt (PI / 2)).
Proof.
unfold bell_primitive.
replace ((a + c) * sqrt (PI / 2)) with ((a + c) * sqrt (PI / 2) - b * 0 - c * 0) by ring.
apply is_lim_minus'; [apply is_lim_minus'|].
- apply (is_lim_scal_l half_bell (a + c) p_infty (sqrt (PI / 2))), lim_half_bell.
- apply (is_lim_scal_l bell b p_infty 0), lim_bell.
- apply (is_lim_scal_l (fun x => x * bell x) c p_infty 0), lim_x_bell.
Qed.

Lemma lim_bell_primitive_minus a b c :
  is_lim (bell_primitive a b c) m_infty (- ((a + c) * sqrt (PI / 2))).
Proof.
apply lim_minus_infinity, (is_lim_ext (fun x => - bell_primitive a (- b) c x)).
  intro x; unfold bell_primitive; rewrite half_bell_opp, bell_opp; ring.
apply (is_lim_opp (bell_primitive a (- b) c) p_infty ((a + c) * sqrt (PI / 2))), lim_bell_primitive.
Qed.

Lemma is_RInt_gen_scaled (f g : R -> R) (c l : R) :
  is_RInt_gen f (Rbar_locally m_infty) (Rbar_locally p_infty) l -> (forall x, c * f x = g x) ->
  is_RInt_gen g (Rbar_locally m_infty) (Rbar_locally p_infty) (c * l).
Proof.
intros h e; apply (is_RInt_gen_ext (fun x => scal c (f x))); [|exact (is_RInt_gen_scal f c l h)].
apply filter_forall; intros ab x _; exact (e x).
Qed.

Lemma normal_mean_bell (f : R -> R) (l : R) :
  is_RInt_gen (fun x => f x * bell x) (Rbar_locally m_infty) (Rbar_locally p_infty) l ->
  normal_mean f (l / sqrt (2 * PI)).
Proof.
intro h; assert (e : / sqrt (2 * PI) * l = l / sqrt (2 * PI)) by (unfold Rdiv; ring).
refine (eq_ind _ (normal_mean f) (is_RInt_gen_scaled _ _ _ _ h _) _ e).
intro x; unfold normal, Rdiv; ring.
Qed.

Lemma normal_mean_eq (f g : R -> R) (l m : R) :
  normal_mean f l -> (forall x, f x = g x) -> l = m -> normal_mean g m.
Proof.
intros h e <-; refine (is_RInt_gen_ext _ _ _ _ h).
apply filter_forall; intros ab x _; now rewrite e.
Qed.

Lemma normal_mean_quadratic a b c : normal_mean (fun x => a + b * x + c * x ^ 2) (a + c).
Proof.
assert (s := sqrt_2PI_gt0).
apply (normal_mean_eq (fun x => a + b * x + c * x ^ 2)
         _ (((a + c) * sqrt (PI / 2) - - ((a + c) * sqrt (PI / 2))) / sqrt (2 * PI))); [|easy|].
  apply normal_mean_bell, (is_RInt_gen_primitive _ _ _ _ _ (bell_primitive a b c)).
  - apply is_derive_bell_primitive.
  - apply continuous_quadratic_bell.
  - apply lim_bell_primitive_minus.
  - apply lim_bell_primitive.
replace ((a + c) * sqrt (PI / 2) - - ((a + c) * sqrt (PI / 2))) with ((a + c) * (2 * sqrt (PI / 2))) by ring.
rewrite sqrt_half_PI; field; lra.
Qed.

(* g(r) = E|r + Z|. *)
Definition mean_abs_shifted (r : R) : R := (2 * bell r + 2 * r * half_bell r) / sqrt (2 * PI).

Lemma normal_mean_abs_shifted r : normal_mean (fun x => Rabs (r + x)) (mean_abs_shifted r).
Proof.
assert (s := sqrt_2PI_gt0); pose (P := bell_primitive r 1 0).
pose (L := r * sqrt (PI / 2)).
assert (left : is_RInt_gen (fun x => Rabs (r + x) * bell x) (Rbar_locally m_infty) (at_point (- r))
                 (- 1 * (P (- r) - - L))).
  apply (is_RInt_gen_ext (fun x => scal (- 1) ((r + 1 * x + 0 * x ^ 2) * bell x))).
    exists (fun x => x < - r) (fun x => x = - r); [now exists (- r)|reflexivity|].
    intros x y xr -> z [_ z1]; simpl in z1; rewrite Rmax_right in z1 by lra.
    rewrite Rabs_left by lra; unfold scal; simpl; unfold mult; simpl; ring.
  apply (is_RInt_gen_scal (fun x => (r + 1 * x + 0 * x ^ 2) * bell x)).
  apply (is_RInt_gen_primitive _ _ _ _ _ P).
  - apply is_derive_bell_primitive.
  - apply continuous_quadratic_bell.
  - replace L with ((r + 0) * sqrt (PI / 2)) by (unfold L; ring); apply lim_bell_primitive_minus.
  - intros A hA; unfold filtermap, at_point; now apply locally_singleton.
assert (right : is_RInt_gen (fun x => Rabs (r + x) * bell x) (at_point (- r)) (Rbar_locally p_infty)
                 (L - P (- r))).
  apply (is_RInt_gen_ext (fun x => (r + 1 * x + 0 * x ^ 2) * bell x)).
    exists (fun x => x = - r) (fun x => - r < x); [reflexivity|now exists (- r)|].
    intros x y -> xr z [z1 _]; simpl in z1; rewrite Rmin_left in z1 by lra.
    rewrite Rabs_pos_eq by lra; change (@eq R ((r + 1 * z + 0 * z ^ 2) * bell z) ((r + z) * bell z)); ring.
  apply (is_RInt_gen_primitive _ _ _ _ _ P).
  - apply is_derive_bell_primitive.
  - apply continuous_quadratic_bell.
  - intros A hA; unfold filtermap, at_point; now apply locally_singleton.
  - replace L with ((r + 0) * sqrt (PI / 2)) by (unfold L; ring); apply lim_bell_primitive.
assert (both := is_RInt_gen_Chasles _ _ _ _ left right).
refine (normal_mean_eq _ _ _ _ (normal_mean_bell _ _ both) (fun _ => eq_refl) _).
unfold P, bell_primitive, mean_abs_shifted, plus; rewrite half_bell_opp, bell_opp; simpl.
field; lra.
Qed.

Lemma half_bell_gt r : 0 < r -> r * bell r < half_bell r.
Proof.
intros r0; pose (D := bell_primitive 0 0 1).
destruct (MVT_cor2 D (fun x => (0 + 0 * x + 1 * x ^ 2) * bell x) 0 r r0) as [c [e [c0 _]]].
  intros c _; apply is_derive_Reals, is_derive_bell_primitive.
revert e; unfold D, bell_primitive; rewrite half_bell_0; intro e.
assert (b := bell_gt0 c); assert (0 < c ^ 2 * bell c * r) by (repeat apply Rmult_lt_0_compat; lra).
nra.
Qed.

Lemma half_bell_ge0 x : 0 <= x -> 0 <= half_bell x.
Proof.
intros x0; apply (RInt_ge_0 bell); [easy|apply ex_RInt_bell|intros; apply Rlt_le, bell_gt0].
Qed.

(* Strict growth of g(r)^2 / (1 + r^2), from r = 0 on. *)
Lemma shifted_ratio_gt r : 0 < r -> 4 * (1 + r ^ 2) < (2 * bell r + 2 * r * half_bell r) ^ 2.
Proof.
intros r0; pose (G x := 2 * bell x + 2 * x * half_bell x); pose (Q x := G x ^ 2 / (1 + x ^ 2)).
assert (dG : forall x : R, is_derive G x (2 * half_bell x)).
  intro x; apply (is_derive_eq _ _ (2 * (- x * bell x) + (2 * half_bell x + 2 * x * bell x))); [|ring].
  apply (is_derive_plus (fun x => 2 * bell x) (fun x => 2 * x * half_bell x)).
    apply is_derive_scal, is_derive_bell.
  apply (is_derive_mult (fun x => 2 * x) half_bell); [|apply is_derive_half_bell|intros u v; apply Rmult_comm].
  apply (is_derive_eq (fun x => 2 * x) x (2 * 1)); [|ring].
  apply is_derive_scal; exact (@is_derive_id R_AbsRing x).
destruct (MVT_cor2 Q (fun x => 4 * G x * (half_bell x - x * bell x) / (1 + x ^ 2) ^ 2) 0 r r0) as [c [e [c0 _]]].
  intros c [c0 _]; apply is_derive_Reals.
  apply (is_derive_eq _ _ ((INR 2 * (2 * half_bell c) * G c ^ 1 * (1 + c ^ 2) - G c ^ 2 * (2 * c)) / (1 + c ^ 2) ^ 2)).
    apply (is_derive_div (fun x => G x ^ 2) (fun x => 1 + x ^ 2)).
    - apply (is_derive_pow G 2), dG.
    - auto_derive; [easy|ring].
    - nra.
  unfold G; simpl; field; nra.
assert (Q0 : Q 0 = 4).
  unfold Q, G; rewrite half_bell_0; unfold bell; replace (- (0 ^ 2 / 2)) with 0 by field.
  rewrite exp_0; field.
assert (Gc : 0 < G c).
  unfold G; assert (b := bell_gt0 c); assert (h := half_bell_ge0 c); nra.
assert (pos : 0 < Q r - Q 0).
  rewrite e; repeat apply Rmult_lt_0_compat; try lra.
    generalize (half_bell_gt c c0); lra.
  apply Rinv_0_lt_compat, pow_lt; nra.
rewrite Q0 in pos; change (4 * (1 + r ^ 2) < G r ^ 2).
replace (G r ^ 2) with (Q r * (1 + r ^ 2)) by (unfold Q; field; nra).
apply Rmult_lt_compat_r; nra.
Qed.

Lemma sqrt_2_PI : sqrt (2 / PI) = / sqrt (PI / 2).
Proof.
assert (p := PI_RGT_0); replace (2 / PI) with (1 / (PI / 2)) by (field; lra).
rewrite sqrt_div_alt, sqrt_1 by lra; unfold Rdiv; ring.
Qed.

Lemma mean_abs_shifted_0 : mean_abs_shifted 0 = sqrt (2 / PI).
Proof.
assert (p := PI_RGT_0); unfold mean_abs_shifted, bell; replace (- (0 ^ 2 / 2)) with 0 by field.
rewrite exp_0, <- sqrt_half_PI; assert (0 < sqrt (PI / 2)) by (apply sqrt_lt_R0; lra).
rewrite sqrt_2_PI; field; lra.
Qed.

(* MR-3. For the normal law the density has integral 1, the mean of |X| is sqrt(2/pi), the mean of *)
(* X^2 is 1, and so the moment ratio is 2/pi. Nothing is assumed of the Gaussian integral.         *)
Theorem MR_3_e_gaussian_two_over_pi :
  normal_mean (fun _ => 1) 1 /\ normal_mean Rabs (sqrt (2 / PI)) /\ normal_mean (fun x => x ^ 2) 1 /\
  sqrt (2 / PI) ^ 2 / 1 = 2 / PI.
Proof.
assert (p := PI_RGT_0).
split; [|split; [|split]].
- refine (normal_mean_eq _ _ _ _ (normal_mean_quadratic 1 0 0) _ _); [intro; ring|ring].
- refine (normal_mean_eq _ _ _ _ (normal_mean_abs_shifted 0) _ mean_abs_shifted_0); intro; f_equal; ring.
- refine (normal_mean_eq _ _ _ _ (normal_mean_quadratic 0 0 1) _ _); [intro; ring|ring].
- rewrite pow2_sqrt; [field; lra|apply Rlt_le, Rdiv_lt_0_compat; lra].
Qed.

(* DC-4. A spherical Gaussian cloud whose mean has, after a rotation that spreads it evenly, r standard *)
(* deviations in every coordinate: the coordinate is a multiple of r + Z with Z normal. Its absolute    *)
(* and its squared mean are g(r) and 1 + r^2, and the raw moment ratio g(r)^2 / (1 + r^2) is strictly   *)
(* above the centered one, 2/pi, for every r > 0: centering lowers the ratio. (The catalogue writes     *)
(* g with erf; half_bell r / sqrt(2 pi) is half of erf(r / sqrt 2). Strictness is shown by a derivative, *)
(* without Jensen's inequality.)                                                                        *)
Theorem DC_4_a_gaussian_cloud_with_mean r : 0 < r ->
  normal_mean (fun x => Rabs (r + x)) (mean_abs_shifted r) /\
  normal_mean (fun x => (r + x) ^ 2) (1 + r ^ 2) /\
  mean_abs_shifted 0 ^ 2 / (1 + 0 ^ 2) = 2 / PI /\
  2 / PI < mean_abs_shifted r ^ 2 / (1 + r ^ 2).
Proof.
intros r0; assert (p := PI_RGT_0); split; [apply normal_mean_abs_shifted|split; [|split]].
- refine (normal_mean_eq _ _ _ _ (normal_mean_quadratic (r ^ 2) (2 * r) 1) _ _); [intro; ring|ring].
- rewrite mean_abs_shifted_0, pow2_sqrt; [field; lra|apply Rlt_le, Rdiv_lt_0_compat; lra].
- assert (h := shifted_ratio_gt r r0); unfold mean_abs_shifted.
  replace (((2 * bell r + 2 * r * half_bell r) / sqrt (2 * PI)) ^ 2 / (1 + r ^ 2))
    with ((2 * bell r + 2 * r * half_bell r) ^ 2 / ((2 * PI) * (1 + r ^ 2))).
    apply (Rmult_lt_reg_r (2 * PI * (1 + r ^ 2))); [nra|].
    replace (2 / PI * (2 * PI * (1 + r ^ 2))) with (4 * (1 + r ^ 2)) by (field; lra).
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l; [lra|nra].
  assert (s := sqrt_2PI_gt0); rewrite <- (pow2_sqrt (2 * PI)) at 1 by lra.
  set (t := sqrt (2 * PI)) in *; field; split; [lra|nra].
Qed.
